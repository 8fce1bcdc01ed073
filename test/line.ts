import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What stands between a process and Postgres, and can go away: refusing connections, or taking them in silence. */
export class Line {
  #tcp: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #isSilent = false;
  port = 0;

  /** `undefined`: connections are taken, and nothing comes of them. */
  async open(target: URL | undefined): Promise<void> {
    this.#isSilent = target === undefined;
    this.#tcp = createServer((socket) => {
      this.#keep(socket);
      if (this.#isSilent || target === undefined) return;
      const onward = connect(Number(target.port), target.hostname);
      this.#keep(onward);
      socket.pipe(onward).pipe(socket);
    });
    this.#tcp.listen(this.port, '127.0.0.1');
    await once(this.#tcp, 'listening');
    this.port = (this.#tcp.address() as AddressInfo).port;
  }

  /** The way to the same database through this line. */
  through(url: URL): string {
    return Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(this.port) }).href;
  }

  async cut(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#tcp?.listening) return;
    this.#tcp.close();
    await once(this.#tcp, 'close');
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
