export * from './addon.js';
export * from './pages.js';
export * from './cpu-quota.js';
