#!/usr/bin/env node
// A file of its own, and not in dist/, so that it is there when npm links it, before anything is compiled.
require('../dist/cli/main.js');
