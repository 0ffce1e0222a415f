import { pageScript, pageStyle } from '../generated/page.ts'
import { pageDataOf } from './columns.ts'
import { pageQualityOf } from './page-quality.ts'
import type { QualitySection } from './quality.ts'
import type { Row } from './rows.ts'

/** `index.html`: one file with data, code and style inside, which needs no network. */
export function renderPage(rows: readonly Row[], quality: readonly QualitySection[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>nnz results</title>
<!-- Rendered by \`nnz-bench report\` from the records in this folder. Do not edit. -->
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>nnz results</h1>
<p>Sparse kernels against the fastest dense ones on the same machine, and what networks still do with them. Losses and failures are shown like everything else. Also as <a href="README.md">tables</a> and as CSV (<a href="results.csv">times</a>, <a href="quality.csv">quality</a>).</p>
</header>
<noscript><p>The plots need JavaScript; the <a href="README.md">tables</a> do not.</p></noscript>
<main id="app"></main>
<script type="application/json" id="data">${embedded(pageDataOf(rows))}</script>
<script type="application/json" id="quality">${embedded(pageQualityOf(quality))}</script>
<script>${pageScript}</script>
</body>
</html>
`
}

/** Inside a script element only `<` could end it. */
function embedded(data: unknown): string {
  return JSON.stringify(data).replaceAll('<', '\\u003c')
}
