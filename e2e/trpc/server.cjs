// A tRPC server whose procedures say what the variable PROCEDURES holds, {name: [status, document]}, as ours are told.
// It listens on PORT of loopback, under /trpc, with the same bound on a batch as ours.

const { initTRPC, TRPCError } = require('@trpc/server');
const { createHTTPServer } = require('@trpc/server/adapters/standalone');
const { getStatusKeyFromCode } = require('@trpc/server/unstable-core-do-not-import');

const t = initTRPC.create({
  isDev: false,
  // ours puts what was found out beside the error
  errorFormatter: ({ shape, error }) =>
    error.cause?.found ? { ...shape, data: { ...shape.data, health: error.cause.found } } : shape,
});

const told = JSON.parse(process.env.PROCEDURES);

function answering([status, document]) {
  return t.procedure.query(() => {
    if (status < 400) {
      return document;
    }
    const code = getStatusKeyFromCode(status);
    const isText = typeof document === 'string';
    throw new TRPCError({
      code,
      message: isText ? document : code,
      cause: isText || document === null ? undefined : { found: document },
    });
  });
}

const health = Object.fromEntries(
  Object.entries(told).map(([name, answer]) => [name.replace(/^health\./, ''), answering(answer)]),
);

createHTTPServer({
  router: t.router({ health: t.router(health) }),
  basePath: '/trpc/',
  maxBatchSize: Number(process.env.MAX_BATCH),
}).listen(Number(process.env.PORT), '127.0.0.1');
