#!/usr/bin/env node
// npm links what a checkout holds when it installs, and dist/ is built after that.
import '../dist/main.js';
