export * from './addon.js';
export * from './cpu-quota.js';
export * from './network.js';
export * from './pages.js';
export * from './program.js';
