import { writeFile } from 'node:fs/promises';
import type { ApiClient } from '../../client/wire/client.ts';
import { writeLine, type CliContext } from './context.ts';

/** A document in one of its forms, and where it goes; `-` is standard output. */
export interface WantedFile {
  /** The media type asked for. */
  readonly type: string;
  readonly file: string;
}

/** Writes documents to files, and says so. Throws `ApiError`, and what writing a file throws. */
export async function downloadFiles(
  client: Pick<ApiClient, 'download'>,
  context: CliContext,
  path: string,
  files: readonly WantedFile[],
): Promise<void> {
  for (const { type, file } of files) {
    const { bytes } = await client.download(path, type);
    if (file === '-') context.stdout.write(bytes);
    else {
      await writeFile(file, bytes);
      writeLine(context.stderr, `wrote ${file}`);
    }
  }
}
