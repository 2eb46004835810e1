export * from './addon.js';
export * from './cpu-quota.js';
export * from './pages.js';
export * from './program.js';
