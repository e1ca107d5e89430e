/** Java programs from Maven Central, with all they need. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath } from './cache.ts';
import { run } from './run.ts';

export interface Artifact {
  groupId: string;
  artifactId: string;
  version: string;
}

/** Puts the artifact's jar and those it depends on into `lib`. */
export async function mavenJars({ groupId, artifactId, version }: Artifact, lib: string): Promise<void> {
  if (!(await findOnPath('mvn'))) throw new Error('Maven (mvn) is not installed');
  const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>temporal-ferry</groupId><artifactId>jars</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>
  </dependencies>
</project>
`;
  const dir = await mkdtemp(join(tmpdir(), 'ferry-maven-'));
  try {
    await writeFile(join(dir, 'pom.xml'), pom);
    const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
    await run('mvn', ['-B', '-ntp', '-q', copy, '-DincludeScope=runtime', `-DoutputDirectory=${lib}`], { cwd: dir });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
