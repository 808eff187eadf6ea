/**
 * The conversation with TensorBoard's page over a MessageChannel.
 *
 * A message is JSON `{type, id, payload, error, isReply}`; each one that is not a reply gets one.
 * TensorBoard's guest library was never published; this is the part of it that is needed here.
 */
interface Message {
  readonly type: string;
  readonly id: number;
  readonly payload?: unknown;
  readonly error?: string | null;
  readonly isReply: boolean;
}

interface Guest {
  /** Calls back each time TensorBoard reloads its data. */
  onReload(callback: () => void): void;
}

/** Opens the channel; where nobody listens (a page of its own), nothing ever arrives. */
export function connectGuest(parent: Window): Guest {
  const channel = new MessageChannel();
  const reloads = new Set<() => void>();
  channel.port1.onmessage = (event: MessageEvent<string>) => {
    const message = JSON.parse(event.data) as Message;
    if (message.isReply) return;
    if (message.type === "experimental.DataReloaded") for (const call of reloads) call();
    const reply: Message = { ...message, payload: null, error: null, isReply: true };
    channel.port1.postMessage(JSON.stringify(reply));
  };
  parent.postMessage("experimental.bootstrap", "*", [channel.port2]);
  return { onReload: (callback) => void reloads.add(callback) };
}
