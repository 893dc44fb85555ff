import { createRequire } from "node:module";

// The framework notes for each token where it was made. Here every such stack is mapped to the sources,
// which took three quarters of a synth, and only an error of the framework's own would show one.
const tokens = createRequire(import.meta.url)("cdktf/lib/tokens/private/stack-trace.js");
tokens.captureStackTrace = () => [];
