/** The server as components ask it: for what is taken away, not for what is shown. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Client } from "../data/client";

const ClientContext = createContext<Client | null>(null);
export const ClientProvider = ClientContext.Provider;

/** The client that `render()` provided. */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error("no client is provided above this component");
  return client;
}
