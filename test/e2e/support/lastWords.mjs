/**
 * Leaves an input line. In the same tick, its footer changes, an error is reported, and another line is printed after
 * that.
 */
import { printNote } from '../../../dist/src/cli/process/exit.js';
import { terminalScreen } from '../../../dist/src/terminal/screen.js';
import { sanitize } from '../../../dist/src/text/sanitize.js';

let screen;
const footer = (...above) => ({ above: above.map((each) => sanitize(each)), prompt: sanitize('> ') });
terminalScreen({ footer: footer('one is pending', 'two is pending') }).subscribe({
  next: (opened) => {
    screen = opened;
  },
  complete: () => {
    screen.setFooter(footer('one is pending', 'two is kept'));
    printNote('the last words');
    printNote('and why');
    screen.setFooter(footer('nothing'));
    screen.print(sanitize('said after that'));
  },
});
