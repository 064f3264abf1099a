/** The jars of a Kafka broker, from Maven Central, kept in a folder of the user so that they are fetched once a machine. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The broker that the tests run against unless they name another. */
export const KAFKA_VERSION = process.env['UPTALLY_TEST_KAFKA_VERSION'] ?? '3.9.2';

/** Why a real broker cannot run here, undefined if it can. Maven is not needed when the jars are there already. */
export function kafkaMissing(version = KAFKA_VERSION): string | undefined {
  if (!answers('java', ['-version'])) return 'there is no Java (17 or newer): install a JRE, e.g. openjdk-17-jre-headless';
  if (!existsSync(jarsFolder(version)) && !answers('mvn', ['-version']))
    return `there is no Maven to fetch Kafka ${version} with: install the package maven`;
  return undefined;
}

/** The folder that holds the broker's jars, filled by Maven when it is not there. */
export async function kafkaJars(version = KAFKA_VERSION): Promise<string> {
  const missing = kafkaMissing(version);
  if (missing !== undefined) throw new Error(`no Kafka broker can be started: ${missing}`);
  const folder = jarsFolder(version);
  if (existsSync(folder)) return folder;
  await mkdir(cacheFolder(), { recursive: true });
  const unfinished = await mkdtemp(join(cacheFolder(), `.${version}-`));
  const pom = join(import.meta.dirname, 'pom.xml');
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-Dkafka.version=${version}`];
  try {
    await promisify(execFile)('mvn', ['-B', '-q', '-f', pom, ...goal, `-DoutputDirectory=${unfinished}`]);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`Maven could not fetch Kafka ${version}:\n${(stdout + stderr).slice(0, 2000)}`, { cause: error });
  }
  try {
    await rename(unfinished, folder);
  } catch (error) {
    // another process was faster
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'uptally-tests');
}

function jarsFolder(version: string): string {
  return join(cacheFolder(), `kafka-${version}`);
}

function answers(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
