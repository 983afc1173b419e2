// Calls procedures with @trpc/client, and prints as JSON what the caller gets.
//
//   client.cjs URL single|batch|stream NAME…   one call for each name, all at once: [{data} or {error}, …]
//   client.cjs URL times COUNT NAME…           so many calls one after the other: {NAME: [milliseconds, …]}

const { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink, TRPCClientError } = require('@trpc/client');

const LINKS = { single: httpLink, batch: httpBatchLink, stream: httpBatchStreamLink, times: httpLink };

const [url, kind, ...words] = process.argv.slice(2);
const client = createTRPCClient({ links: [LINKS[kind]({ url })] });

const query = (name) => name.split('.').reduce((at, part) => at[part], client).query();

async function outcome(name) {
  try {
    return { data: await query(name) };
  } catch (error) {
    if (!(error instanceof TRPCClientError) || !error.shape) {
      throw error;
    }
    return { error: { message: error.message, code: error.shape.code, data: error.data } };
  }
}

async function times(count, names) {
  const taken = {};
  for (const name of names) {
    taken[name] = [];
    for (let call = 0; call < count; call++) {
      const started = performance.now();
      await outcome(name);
      taken[name].push(performance.now() - started);
    }
  }
  return taken;
}

const asked = kind === 'times' ? times(Number(words[0]), words.slice(1)) : Promise.all(words.map(outcome));
asked.then((answer) => console.log(JSON.stringify(answer)));
