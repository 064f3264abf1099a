/** What questions about access answer. Members that a newer server adds pass through. */
import { z } from 'zod';
import { whole } from '../wire/exact-json.ts';

/** What somebody recorded, and when. */
export const Change = z.looseObject({ seq: whole, at: z.string(), who: z.string(), what: z.string(), id: z.string() });
export type Change = z.infer<typeof Change>;

export const ChangePage = z.looseObject({ rows: z.array(Change), next: z.string().nullable() });

/** A link into an account's portal, without its token. */
export const PortalLink = z.looseObject({
  id: z.string(),
  account: z.string(),
  vms: z.array(z.string()).nullable(),
  state: z.string(),
  expires_at: z.string(),
  created_at: z.string(),
  created_by: z.string(),
});
export type PortalLink = z.infer<typeof PortalLink>;

export const PortalLinkList = z.looseObject({ links: z.array(PortalLink) });

/** One that was just made: `url`, at the server, has the token behind its `#`, which is shown this once. */
export const MadePortalLink = PortalLink.extend({ url: z.string(), token: z.string() });
