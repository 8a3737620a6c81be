/** Fails where the first load of the app is larger than it may be: what every page needs, and its slowest page. */
import { readFileSync, statSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** 300 kB, of 1,000 bytes each. */
const MOST_BYTES = 300_000;
const manifest = JSON.parse(readFileSync("dist/.vite/manifest.json", "utf8"));
const entry = Object.values(manifest).find((chunk) => chunk.isEntry);

/** Everything that a chunk loads at once. */
function filesOf(chunk, found = new Set()) {
  if (found.has(chunk.file)) return found;
  found.add(chunk.file);
  for (const css of chunk.css ?? []) found.add(css);
  for (const name of chunk.imports ?? []) filesOf(manifest[name], found);
  return found;
}

function compressed(file) {
  const bytes = readFileSync(`dist/${file}`);
  // Fonts are compressed already.
  return /\.woff2$/.test(file) ? bytes.length : gzipSync(bytes, { level: 9 }).length;
}

/** The fonts of Latin text; browsers fetch the others only for other scripts. */
const fonts = (entry.assets ?? [])
  .concat(Object.values(manifest).flatMap((chunk) => chunk.assets ?? []))
  .filter((file) => /latin-wght-normal.*\.woff2$/.test(file) && !/latin-ext/.test(file));
const shell = new Set([...filesOf(entry), ...fonts]);
/** Pages are loaded by whichever of the entry's chunks holds the routes. */
const shellChunks = Object.values(manifest).filter(({ file }) => shell.has(file));
const dynamic = new Set(shellChunks.flatMap(({ dynamicImports = [] }) => dynamicImports));
const total = (files) =>
  [...files].reduce((sum, file) => sum + compressed(file), 0) + gzipSync(readFileSync("dist/index.html")).length;
const pages = [...dynamic].map((name) => ({
  name,
  bytes: total(new Set([...shell, ...filesOf(manifest[name])])),
}));
pages.sort((a, b) => b.bytes - a.bytes);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const { name, bytes } of pages.slice(0, 3))
  process.stdout.write(`${kilobytes(bytes)} compressed to show ${name}\n`);
process.stdout.write(
  `${kilobytes(total(shell))} compressed of them for every page; ${kilobytes(statSync("dist/index.html").size)} of HTML\n`,
);
const [largest] = pages;
if (largest === undefined) {
  process.stderr.write("No page was found in the build: what is measured would be less than what is loaded.\n");
  process.exitCode = 1;
} else if (largest.bytes > MOST_BYTES) {
  process.stderr.write(
    `${largest.name} needs ${kilobytes(largest.bytes)}, more than ${kilobytes(MOST_BYTES)}: load parts of it later.\n`,
  );
  process.exitCode = 1;
}
