const NICKS = ['alice', 'bob', 'carol'];

/** Records a group room of three people of whom one is removed: the screen of each. */
export const recordRemoval = async ({ terminals, runLine, envOf, toText, expected = {} }) => {
  runLine('rxchat invite --group --port PORT --out group.txt');
  const screens = {};
  const allShow = (text, names = NICKS) => Promise.all(names.map((name) => screens[name].shows(text)));

  for (const [index, name] of NICKS.entries()) {
    const ending = name === 'bob' ? '; echo "exit code $?"' : '';
    const line = `rxchat join --invite-file group.txt --nick ${name} --quiet${ending}`;
    screens[name] = terminals.open(name, line, envOf(name));
    await screens[name].shows(`${name}>`);
    // The creator is a member already.
    if (index > 0) await allShow(`joined with the invite; ${index + 1} members`, NICKS.slice(0, index + 1));
  }
  // All have read a message before the next one is sent.
  const send = async (name, text, readers = NICKS) => {
    screens[name].enter(text);
    await allShow(`${name}: ${text}`, readers);
  };
  await send('alice', 'hello both');
  await send('bob', 'hello alice');
  screens.alice.enter('/remove bob');
  await screens.alice.shows('to remove: /remove bob yes');
  screens.alice.enter('/remove bob yes');
  await screens.alice.shows('you removed ?bob');
  await screens.bob.shows('exit code 11');
  await screens.carol.shows('?alice removed ?bob');
  await send('carol', 'bob cannot read this', ['alice', 'carol']);
  const recorded = await Promise.all(
    NICKS.map(async (name) => [name, await screens[name].record(toText, expected[name])]),
  );
  return Object.fromEntries(recorded);
};

/** Returns the lines of each screen from the removal on, with the nick of who sees them. */
export const excerptRemoval = (screens) =>
  NICKS.flatMap((name) => {
    const lines = screens[name].split('\n');
    return lines
      .slice(lines.findIndex((line) => line.startsWith('!! ')))
      .filter((line) => !/^$|^-- first message|hint:|exit code|>$/.test(line))
      .map((line) => `${name.padEnd(6)} ${line}\n`);
  }).join('');

/** Returns the section about a removal for the page of sessions. */
export const formatRemoval = (blocks) => `## A removal

A group room of three people. Alice, who created it, removes bob, and this is what she sees:

${blocks.alice}

What bob sees:

${blocks.bob}

What carol sees:

${blocks.carol}`;
