// `npm install && node build.mjs app.wasm`, then run the scenario with HOOKYARD_STOCK_JAVASCRIPT=…/app.wasm.
//
// The text of wasi:http comes from the crate that serves it, at the version that the engine in the package was built for.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { componentize } from '@bytecodealliance/componentize-js';

const VERSION = '0.2.10';

const metadata = JSON.parse(
  execFileSync('cargo', ['metadata', '--format-version', '1', '--locked'], {
    cwd: new URL('../../..', import.meta.url).pathname,
    maxBuffer: 1 << 30,
  }),
);
const crate = metadata.packages.find((each) => each.name === 'wasmtime-wasi-http');
const wit = mkdtempSync(join(tmpdir(), 'stock-'));
const deps = join(wit, 'deps');
cpSync(join(dirname(crate.manifest_path), 'wit', 'deps'), deps, { recursive: true });
for (const name of readdirSync(deps)) {
  const file = join(deps, name);
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/\b0\.2\.12\b/g, VERSION));
}
writeFileSync(
  join(wit, 'world.wit'),
  `package local:app;\nworld app { export wasi:http/incoming-handler@${VERSION}; }\n`,
);
const source = readFileSync(new URL('app.js', import.meta.url), 'utf8');
const { component } = await componentize(source, { witPath: wit, worldName: 'app' });
writeFileSync(process.argv[2], component);
