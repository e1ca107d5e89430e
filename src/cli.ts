/** The command `ferry`. Everything it does is in `cli/`; this only runs it. */
import { main } from './cli/main.ts';

process.exitCode = await main(process.argv.slice(2), process.env, {
  out: (text) => console.log(text),
  err: (text) => console.error(text),
});
// A connection that is still being tried must not keep a command alive that has said what it had to say.
if (process.exitCode !== 0) process.exit();
