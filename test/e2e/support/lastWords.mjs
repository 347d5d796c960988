/** An input line that is left: in the same turn its foot changes once more, an error is told, and something is said after that. */
import { note } from '../../../dist/src/cli/exit.js';
import { terminalScreen } from '../../../dist/src/terminal/screen.js';
import { visible } from '../../../dist/src/terminal/visible.js';

let screen;
const foot = (...above) => ({ above: above.map((each) => visible(each)), prompt: visible('> ') });
terminalScreen({ foot: foot('one is pending', 'two is pending') }).subscribe({
  next: (opened) => {
    screen = opened;
  },
  complete: () => {
    screen.setFoot(foot('one is pending', 'two is kept'));
    note('the last words');
    note('and why');
    screen.setFoot(foot('nothing'));
    screen.print(visible('said after that'));
  },
});
