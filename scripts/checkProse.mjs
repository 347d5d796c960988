/**
 * Checks prose in comments, help, messages and documents. Reports each finding with its file and line, and exits with 1
 * if there is any.
 *
 * It finds phrases that a reader must decode, and long sentences in documents. CONTRIBUTING.md has all rules; these are
 * the ones that a program can check.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'));

/** What to write instead, by the phrase. */
const PHRASES = [
  [/\b(is|are|was|were|be|been|being)\s+told\b(?!\s+apart)/i, 'say who reports, warns, notifies or rejects'],
  [/\b(told|tell|tells)\s+of\b/i, 'report, announce or notify'],
  [/\banew\b/i, 'again, or a verb with re-'],
  [
    /\bthere\s+(is|are|was|were)\s+none\b/i,
    'name what is missing: "if no member has it", "0 for the first batch"',
  ],
  [/(?<!\b(there|it)\s)\b(is|are)\s+none\b/, 'name what it is: "is not a key", "is invalid"'],
  [/\bwhere\s+(it\s+is|there\s+is|there\s+are|they\s+are)\s+none\b/i, '"or `undefined` if …"'],
  [
    /\bso\s+many\s+(ms|seconds|bytes|lines|entries|milliseconds|characters|members|connections)\b/i,
    'name the unit: "in ms", "at most N bytes"',
  ],
  [/\bfor\s+so\s+long\b|\bso\s+long\s+a\s+time\b/i, 'name the time and its unit'],
  [/\bwho(so)?ever\b/i, 'name the actor: client, relay, member, sender, reader, operator'],
  [
    /(^|[.:;]\s+)Who\s+(is|has|comes|was|does|can|leaves|reads|says|joins|restarts|listens)\b(?![^.]*\?)/,
    'name the actor',
  ],
  [/\bbe\s+it\b/i, '"even if", "also when"'],
  [/\b(come|comes|came)\s+of\b/i, '"results from"'],
  [/\bleaves?\s+(it\s+|them\s+|one\s+of\s+them\s+|--?\S+\s+)?away\b/i, '"omit" or "drop"'],
];

/** Longest sentence of a document in words. CONTRIBUTING.md asks for 25; this limit leaves room for names and figures. */
const MAX_WORDS = 30;

/** Generated or recorded text, the inputs of tests, and this file, which defines the phrases. */
const EXCLUDED =
  /^(docs\/api\/|docs\/sessions\.md$|bench\/results\/|test\/fuzz\/corpus\/|package-lock\.json$|scripts\/checkProse\.mjs$)/;

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => /\.(ts|mjs|js|md)$/.test(file) && !EXCLUDED.test(file));

/** Line breaks within a comment count as spaces; the length stays, so that the line of a match is known. */
const unwrap = (text) => text.replaceAll(/\n[ \t]*(\*(?!\/)|\/\/|>)?/g, (lead) => ' '.repeat(lead.length));

/** Splits the prose of a document into paragraphs and list items. Code, tables, headings and comments are no prose. */
const paragraphsOf = (text) => {
  const paragraphs = [];
  let isCode = false;
  let current;
  for (const [index, line] of text.split('\n').entries()) {
    const isFence = /^\s*```/.test(line);
    if (isFence) isCode = !isCode;
    if (isFence || isCode || /^\s*($|[|#]|<!--)/.test(line)) {
      current = undefined;
      continue;
    }
    const item = /^\s*(?:[-*]|\d+\.)\s+(.*)$/.exec(line);
    if (item !== null || current === undefined) paragraphs.push((current = { line: index + 1, text: '' }));
    current.text += ` ${item?.[1] ?? line.trim()}`;
  }
  return paragraphs;
};

/** Splits a paragraph into sentences. Code counts as one word, a link as its text. */
const sentencesOf = (paragraph) =>
  paragraph
    .replaceAll(/`[^`]*`/g, 'code')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split(/(?<=[.!?]["”)*_]*)\s+/);

const countWords = (sentence) => sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

let count = 0;
const report = (file, line, finding) => {
  count += 1;
  console.error(`${file}:${line}: ${finding}`);
};

for (const file of files) {
  const text = readFileSync(resolve(root, file), 'utf8');
  const flat = unwrap(text);
  for (const [pattern, instead] of PHRASES)
    for (const { 0: phrase, index } of flat.matchAll(new RegExp(pattern, `g${pattern.flags}`)))
      report(
        file,
        text.slice(0, index).split('\n').length,
        `"${phrase.trim().replaceAll(/\s+/g, ' ')}": ${instead}`,
      );
  if (!file.endsWith('.md')) continue;
  for (const paragraph of paragraphsOf(text))
    for (const sentence of sentencesOf(paragraph.text)) {
      const words = countWords(sentence);
      if (words > MAX_WORDS)
        report(file, paragraph.line, `${words} words, at most ${MAX_WORDS}: "${sentence.trim()}"`);
    }
}

if (count > 0) {
  console.error(`${count} findings`);
  process.exitCode = 1;
}
