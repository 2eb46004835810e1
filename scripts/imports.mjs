/** Checks the import rule of `.dependency-cruiser.mjs` over all packages; exits with 1 and a list when it is broken. */
import fs from 'node:fs';
import path from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { configuration } from '../.dependency-cruiser.mjs';
import { root } from './run.mjs';

process.chdir(root);
const folders = fs
  .readdirSync('packages')
  .map((name) => path.join('packages', name, 'src'))
  .filter((folder) => fs.existsSync(folder));
const { output } = await cruise(
  folders,
  { ...configuration.options, validate: true, ruleSet: { forbidden: configuration.forbidden } },
  undefined,
  { tsConfig: extractTSConfig('tsconfig.imports.json') },
);
const { violations, totalCruised, totalDependenciesCruised } = output.summary;
for (const violation of violations)
  console.error(`${violation.rule.name}: ${violation.from} -> ${violation.to}`);
console.log(
  `imports: ${totalCruised} modules, ${totalDependenciesCruised} dependencies, ${violations.length} against the rule`,
);
process.exit(violations.length > 0 ? 1 : 0);
