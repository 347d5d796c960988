type Ending = () => unknown;

const endings: Ending[] = [];

/** Something to be done when the test is over, whether it passed or not. The newest is done first. */
export const atEnd = (ending: Ending): void => {
  endings.push(ending);
};

/** For `afterEach`: ends all that the test began. */
export const endAll = async (): Promise<void> => {
  const failures: unknown[] = [];
  for (let ending = endings.pop(); ending !== undefined; ending = endings.pop()) {
    try {
      await ending();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
};
