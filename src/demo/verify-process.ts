import { execFile } from 'node:child_process';

const TIMEOUT_MS = 60_000;

/** Runs `uptally verify` as you would; what it says, by line. Throws with its words when it finds a disagreement. */
export function runVerify(script: string, url: string, key: string): Promise<string[]> {
  const env = { ...process.env, UPTALLY_SERVER: url, UPTALLY_KEY: key };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script, 'verify'], { env, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.split('\n').filter((line) => line.trim() !== ''));
      else reject(new Error(`uptally verify found something wrong:\n${stdout}${stderr}`, { cause: error }));
    });
  });
}
