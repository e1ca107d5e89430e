/**
 * `npm run servers`: three clusters to play with, until Ctrl-C.
 *
 *     npm run servers -- --selfhosted v2     a real temporal-server with the V2 scheduler; also v1; same for --cloud
 *     npm run servers -- --no-tls            cloud without TLS and API key
 */
import { parseArgs } from 'node:util';
import { onInterrupt } from './lib/interrupt.ts';
import { connectProfile } from './lib/profiles.ts';
import { registerFerrySearchAttributes } from './lib/search-attributes.ts';
import { profileNames, startStack, type Engine } from './lib/stack.ts';

const engines = ['dev', 'v1', 'v2'] as const satisfies Engine[];

function engine(option: string, value: string): Engine {
  const found = engines.find((name) => name === value);
  if (!found) throw new Error(`--${option} is ${value}; it takes ${engines.join(', ')}`);
  return found;
}

const { values } = parseArgs({
  options: {
    cloud: { type: 'string', default: 'dev' },
    selfhosted: { type: 'string', default: 'dev' },
    'no-tls': { type: 'boolean', default: false },
  },
});
const interrupt = onInterrupt();
const stack = await startStack({
  cloud: engine('cloud', values.cloud),
  selfhosted: engine('selfhosted', values.selfhosted),
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
