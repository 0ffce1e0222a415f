/** Tests that are written for Node.js ask for the variables of its environment, and the kernels do. */
Object.assign(globalThis, { process: { env: { ...import.meta.env } } })
