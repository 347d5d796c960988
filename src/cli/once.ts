/** Makes a function that is called once, however often it is asked for. */
export const once = <T>(tell: (value: T) => void): ((value: T) => void) => {
  let told = false;
  return (value) => {
    if (!told) tell(value);
    told = true;
  };
};
