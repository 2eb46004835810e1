/** The import rule (architecture: packages go down, never up or sideways but where the table says so). */
const may = {
  native: [],
  checkpoints: [],
  media: [],
  vattention: ['native'],
  graph: ['native', 'checkpoints'],
  world: ['media'],
  llm: ['native', 'vattention', 'checkpoints'],
  nets: ['graph', 'checkpoints'],
  aurora: ['nets', 'graph', 'world', 'media', 'checkpoints'],
  server: ['checkpoints', 'llm'],
  web: ['server', 'llm'],
  cli: [
    'native',
    'checkpoints',
    'media',
    'vattention',
    'graph',
    'world',
    'llm',
    'nets',
    'aurora',
    'server',
    'web',
  ],
  recipes: [
    'native',
    'checkpoints',
    'media',
    'vattention',
    'graph',
    'world',
    'llm',
    'nets',
    'aurora',
    'server',
    'cli',
  ],
};

const rules = Object.entries(may).map(([name, allowed]) => ({
  name: `${name}-imports-down`,
  severity: 'error',
  from: { path: `^packages/${name}/`, pathNot: '\\.test\\.ts$|/test/' },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export const configuration = {
  forbidden: [
    ...rules,
    {
      name: 'web-types-only',
      comment: 'the playground speaks HTTP: of other packages it takes types alone',
      severity: 'error',
      from: { path: '^packages/web/src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/(?!web/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-recipes',
      comment: 'recipes are run, never imported',
      severity: 'error',
      from: { path: '^packages/(?!recipes)' },
      to: { path: '^packages/recipes/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|build|node_modules)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.imports.json' },
  },
};
