// node starlingmonkey.mjs PACKAGE SOURCE WIT WORLD COMPONENT

import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [home, sourcePath, witPath, worldName, file] = process.argv.slice(2);
// The package may lie where Node.js does not look for it from here.
const { exports } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
const { componentize } = await import(pathToFileURL(resolve(home, exports.import)));
const { component } = await componentize({
  sourcePath,
  witPath,
  worldName,
  // They import `wasi:http`, which no plugin is given: `hookyard:plugin/http` takes its place.
  disableFeatures: ['http', 'fetch-event'],
});
await writeFile(file, component);
