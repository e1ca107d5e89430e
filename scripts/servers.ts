/** `npm run servers`: three clusters to play with, until Ctrl-C. `-- --help` tells more. */
import { onInterrupt } from './lib/interrupt.ts';
import { oneOf, readOptions } from './lib/options.ts';
import { connectProfile } from './lib/profiles.ts';
import { registerFerrySearchAttributes } from './lib/search-attributes.ts';
import { engines, profileNames, startStack } from './lib/stack.ts';

const engine = 'scheduler: dev (temporal server start-dev), v1 or v2 (temporal-server)';
const { values } = readOptions({
  name: 'servers',
  does: `three clusters to play with, cloud, selfhosted and control, until Ctrl-C.
It prints their addresses and the temporal.toml that names them. Their state is in memory; TenantId is registered.`,
  options: {
    cloud: { type: 'string', takes: '<engine>', default: 'dev', says: engine },
    selfhosted: { type: 'string', takes: '<engine>', default: 'dev', says: engine },
    'no-tls': { type: 'boolean', default: false, says: 'cloud without TLS and API key' },
  },
  lasts: 'a few seconds until they serve; the first time minutes, to fetch or build the servers',
});
const interrupt = onInterrupt();
const stack = await startStack({
  cloud: oneOf('servers', 'cloud', values.cloud, engines),
  selfhosted: oneOf('servers', 'selfhosted', values.selfhosted, engines),
  tls: !values['no-tls'],
});
try {
  const control = await connectProfile('control', stack.configFile);
  await registerFerrySearchAttributes(control.connection, control.namespace);
  await control.connection.close();

  for (const name of profileNames) {
    const { address, namespace, serverVersion, uiAddress = 'no Web UI' } = stack.servers[name];
    const at = name === 'cloud' ? stack.cloudAddress : address;
    console.log(`${name.padEnd(11)} ${at}  namespace ${namespace}  server ${serverVersion}  ${uiAddress}`);
  }
  console.log(`\nexport TEMPORAL_CONFIG_FILE=${stack.configFile}\n\nCtrl-C stops them.`);
  await Promise.race([interrupt.asked, stack.died]);
} finally {
  await stack.stop();
}
process.exit(0);
