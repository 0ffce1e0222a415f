// The scripts need Node 24.15 or newer; where a pinned Node is installed as an optional dependency, npm has put it first on the PATH.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `nnz: these scripts need Node 24.15 or newer and found ${process.versions.node}: run "npm ci" again without --omit=optional, or install Node 24 from https://nodejs.org.`,
  )
  process.exit(1)
}
