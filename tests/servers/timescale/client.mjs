// One client of the server: greeted here, then its messages go to the database and the answers back.
const PROTOCOL = 3
const CANCEL = (1234 << 16) | 5678
const TOLD = [
  'application_name', 'client_encoding', 'DateStyle', 'integer_datetimes', 'IntervalStyle',
  'server_encoding', 'server_version', 'standard_conforming_strings', 'TimeZone',
]
// The command line of the database has others, to which it goes back when all is reset.
const USUAL = 'SET search_path TO "$user", public; SET client_min_messages TO notice'
const RESET = /\b(DISCARD|RESET)\s+ALL\b/i
// Parse, Bind, Describe, Close: they go along with the Execute or the Sync after them. A whole batch
// at once is too much: the database forgets most of it.
const PREPARING = 'PBDC'
// CopyInResponse, and the refusal of its data, without a ReadyForQuery.
const COPYING = /GE$/
// It has no way to wait for the data of a COPY. Where there is none this is ignored.
const REFUSAL = message('f', Buffer.from('COPY is not possible here\0'))

export class Client {
  pending = Buffer.alloc(0)
  started = false
  refused = false

  constructor(db, socket) {
    this.db = db
    this.socket = socket
  }

  async take(chunk) {
    this.pending = Buffer.concat([this.pending, chunk])

    while (!this.started && (await this.begin())) {}
    while (this.started && this.converse()) {}
  }

  // The first message has no letter. Whoever asks for encryption gets none.
  async begin() {
    const size = this.pending.length < 8 ? Infinity : this.pending.readUInt32BE(0)
    if (this.pending.length < size) return false

    const code = this.pending.readUInt32BE(4)
    const options = this.pending.subarray(8, size).toString().split('\0')
    this.pending = this.pending.subarray(size)

    if (code >> 16 === PROTOCOL) await this.welcome(options)
    else if (code === CANCEL) this.socket.end()
    else this.socket.write('N')

    return true
  }

  // Anybody is let in, to a session as good as new; half of it would be left by who goes meanwhile.
  async welcome(options) {
    await this.db.exec('ROLLBACK')
    await this.db.exec('DISCARD ALL')
    await this.db.exec(USUAL)

    for (const [name, value] of settings(options)) {
      await this.db.query('SELECT set_config($1, $2, false)', [name, value])
    }

    const known = await this.db.query(
      'SELECT name, setting, pg_backend_pid() AS pid FROM pg_settings WHERE name = ANY($1)', [TOLD],
    )
    this.send('R', number(0))
    for (const { name, setting } of known.rows) this.send('S', Buffer.from(`${name}\0${setting}\0`))
    this.send('K', number(known.rows[0].pid), number(0))
    this.send('Z', Buffer.from('I'))
    this.started = true
  }

  send(letter, ...parts) {
    this.socket.write(message(letter, ...parts))
  }

  // What the database gets it takes for all there is: half a message is its end.
  converse() {
    const size = this.complete()
    if (!size) return false

    const messages = this.pending.subarray(0, size)
    this.pending = this.pending.subarray(size)

    const letter = String.fromCharCode(messages[0])

    if (letter === 'X') {
      this.socket.end()
      return false
    }

    // In the extended protocol a Sync came along with the COPY, and another one ends its data.
    if (this.refused) {
      this.refused = letter === 'd' || letter === 'S'
      return true
    }

    const answer = Buffer.from(this.ask(Buffer.concat([messages, REFUSAL])))
    this.socket.write(answer)
    this.refused = COPYING.test(letters(answer))
    if (RESET.test(messages.toString('latin1'))) this.ask(message('Q', Buffer.from(`${USUAL}\0`)))

    return true
  }

  // How many bytes there are up to the first message that asks for something.
  complete() {
    let size = 0

    while (size + 5 <= this.pending.length) {
      const letter = String.fromCharCode(this.pending[size])
      size += 1 + this.pending.readUInt32BE(size + 1)

      if (size > this.pending.length) return 0
      if (!PREPARING.includes(letter)) return size
    }

    return 0
  }

  ask(messages) {
    return this.db.execProtocolRawSync(new Uint8Array(messages))
  }
}

function* settings(options) {
  for (let at = 0; options[at]; at += 2) {
    const [name, value] = options.slice(at)

    if (name === 'options') {
      for (const [, inner, given] of value.matchAll(/-c\s*([^=\s]+)=((?:\\.|\S)*)/g)) {
        yield [inner, given.replace(/\\(.)/g, '$1')]
      }
    } else if (name !== 'user' && name !== 'database') {
      yield [name, value]
    }
  }
}

function letters(messages) {
  let found = ''

  for (let at = 0; at < messages.length; at += 1 + messages.readUInt32BE(at + 1)) {
    found += String.fromCharCode(messages[at])
  }

  return found
}

function message(letter, ...parts) {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(letter), number(body.length + 4), body])
}

function number(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
