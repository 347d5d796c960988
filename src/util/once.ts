/** Makes a function that is called once, however often it is asked for. */
export const once = <T>(call: (value: T) => void): ((value: T) => void) => {
  let wasCalled = false;
  return (value) => {
    if (!wasCalled) call(value);
    wasCalled = true;
  };
};
