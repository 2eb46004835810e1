export * from './cpu-quota.js';
