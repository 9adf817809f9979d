import { readFileSync } from 'node:fs';
import { findCluster } from 'lowrank';
import { expect, test } from 'vitest';
import { gatherSeconds, gradientBytes, type Limit, limits, type Point, ringSeconds, SHAPES } from '../bench/scale/model';
import { PUBLISHED, publishedAndComputed } from '../bench/scale/published';
import { python } from '../io/python';

const page = readFileSync('docs/beyond-one-machine.md', 'utf8');

/** The blocks of this kind. */
function blocks(kind: string): string[] {
  return Array.from(page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\``, 'gm')), ([, text = '']) => text);
}

test('two machines by hand are worker 0 and worker 1 of the same cluster', () => {
  const found = blocks('sh two-machines').map((shell) => {
    const variables = /^export (.*)$/m
      .exec(shell)?.[1]
      ?.split(' ')
      .map((each) => each.split('=') as [string, string]);
    return findCluster(Object.fromEntries(variables ?? []));
  });
  expect(found.map((each) => [each?.rank, each?.size, each?.leader])).toEqual([
    [0, 2, '10.0.0.1:29500'],
    [1, 2, '10.0.0.1:29500'],
  ]);
});

test('the batch script starts one task on each node through srun', () => {
  const [script = ''] = blocks('sh srun');
  expect(script).toMatch(/^#SBATCH --ntasks-per-node=1$/m);
  expect(script).toMatch(/^srun .*lowrank train /m);
});

/** Read by PyYAML, which Jupyter brings along. */
function yaml(text: string): unknown {
  return JSON.parse(python('import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.argv[1])))', text));
}

/** As much of a JobSet as is read here. */
interface Manifest {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicatedJobs: readonly {
      readonly name: string;
      readonly replicas: number;
      readonly template: {
        readonly spec: {
          readonly parallelism: number;
          readonly completions: number;
          readonly completionMode: string;
          readonly template: { readonly spec: { readonly containers: readonly { readonly env: readonly Variable[] }[] } };
        };
      };
    }[];
  };
}
interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
}

test("the manifest's variables make every pod a worker of its own", () => {
  const { metadata, spec } = yaml(blocks('yaml jobset')[0] ?? '') as Manifest;
  const [job] = spec.replicatedJobs;
  const { parallelism, completions, completionMode, template } = job?.template.spec ?? {};
  expect([completions, completionMode]).toEqual([parallelism, 'Indexed']);
  const labels: Record<string, string> = { 'jobset-name': metadata.name, 'replicatedjob-name': job?.name ?? '', 'job-index': '0' };
  const given = template?.spec.containers[0]?.env.map(({ name, value, valueFrom }) => {
    const label = /jobset\.sigs\.k8s\.io\/([a-z-]+)'\]$/.exec(valueFrom?.fieldRef.fieldPath ?? '')?.[1] ?? '';
    return [name, value ?? labels[label] ?? ''] as const;
  });
  const pods = Array.from({ length: parallelism ?? 0 }, (_, pod) =>
    findCluster({ ...Object.fromEntries(given ?? []), JOB_COMPLETION_INDEX: `${pod}` }),
  );
  expect(pods.map((each) => each?.rank)).toEqual([0, 1, 2, 3]);
  expect(pods[3]?.workers).toEqual([0, 1, 2, 3].map((pod) => `reviewer-worker-0-${pod}.reviewer:4000`));
});

test('the page says what travels: the gradients of LoRA with r = 16 on LLaMA-7B', () => {
  const [shape] = SHAPES;
  expect(page).toContain(`these are ${((shape ? gradientBytes(shape) : Number.NaN) / 1e6).toFixed(1)} MB in an update`);
  expect(page).toContain(`${(((shape?.parameters ?? Number.NaN) * 2) / 1e9).toFixed(1)} GB in bfloat16`);
});

test('the page says that the server is open to everybody', () => {
  expect(page).toMatch(/TensorFlow's server has no authentication and no encryption/);
});

/** Of a file in tests/bench/results. */
function result<T>(name: string): T {
  return JSON.parse(readFileSync(`tests/bench/results/${name}.json`, 'utf8')) as T;
}

test('the page has the numbers of the fault run, in which nothing went wrong', () => {
  const run = result<Record<'faults' | 'kills' | 'stops' | 'named' | 'noticedAtMost' | 'timeout' | 'largestDifference', number>>('faults');
  expect(run.named).toBe(run.faults);
  expect(run.largestDifference).toBeLessThan(1e-6);
  const words = page.replace(/\n/g, ' ');
  expect(words).toContain(`${run.faults} times in all, ${run.kills} kills and ${run.stops} stops`);
  expect(words).toContain(`With a time-out of ${run.timeout} s the last of them ended at most ${run.noticedAtMost} s after the fault`);
  expect(words).toContain(`differs by at most ${run.largestDifference.toExponential(1)} from`);
});

test('the page has the limits that follow from the measured sums', () => {
  const { machine, steps, model } = result<{
    machine: { cores: number };
    steps: { workers: number; seconds: { least: number } }[];
    model: { hop: number; points: Point[]; limits: Limit[] };
  }>('scale');
  expect(limits(model.points)).toEqual(model.limits);
  const words = page.replace(/\n/g, ' ');
  const [one, two, four] = steps.map(({ seconds }) => `${(1000 * seconds.least).toFixed(0)} ms`);
  expect(words).toContain(
    `On ${machine.cores} cores the quickest update of the same rows took ${one} with one worker, ${two} with two, and ${four} with four`,
  );
  expect(words).toContain(`with ${(1000 * model.hop).toFixed(2)} ms for each round`);
  const shown = (workers: number) => (workers === 0 ? 'fewer than 8' : workers.toLocaleString('en'));
  for (const { shape, gigabits, hop, workers } of model.limits.filter((limit) => limit.hop === 0)) {
    const withRounds = model.limits.find((limit) => limit.hop > hop && limit.shape === shape && limit.gigabits === gigabits);
    expect(page).toContain(`| ${shape} | ${gigabits} Gb/s | ${shown(workers)} | ${shown(withRounds?.workers ?? Number.NaN)} |`);
  }
});

test('the sum around a ring: four workers, 1 GB at 8 Gb/s, half a millisecond a round', () => {
  expect(ringSeconds(1e9, { workers: 4, gigabits: 8, hop: 0 })).toBeCloseTo(1.5, 12);
  expect(ringSeconds(1e9, { workers: 4, gigabits: 8, hop: 0.5e-3 })).toBeCloseTo(1.503, 12);
  expect(gatherSeconds(1e9, { workers: 4, gigabits: 8, hop: 0.5e-3 })).toBeCloseTo(0.7515, 12);
});

test('a published run of two machines lies between the formula for gradients alone and for gradients and weights', () => {
  const { published, lost, bytes, gradients, both } = publishedAndComputed();
  expect(gradients.efficiency).toBeGreaterThan(published);
  expect(both.efficiency).toBeLessThan(published);
  const { one, two } = PUBLISHED.secondsPerUpdate;
  expect(one / 2 / two).toBeCloseTo(published, 2); // the two published figures agree
  const words = page.replace(/\n/g, ' ');
  const tokens = PUBLISHED.tokensPerSecond;
  const percent = (share: number, digits: number) => `${(100 * share).toFixed(digits)} %`;
  expect(words).toContain(
    `${tokens.one.toLocaleString('en')} and ${tokens.two} tokens a second and GPU, which is ${percent(published, 1)}`,
  );
  expect(words).toContain(`takes ${lost.toFixed(2)} s longer than half of the one machine's`);
  expect(words).toContain(`the sum of its ${(bytes / 1e6).toFixed(0)} MB of gradients would take ${gradients.seconds.toFixed(2)} s`);
  expect(words).toContain(`two machines would keep ${percent(gradients.efficiency, 1)}`);
  expect(words).toContain(`take ${both.seconds.toFixed(2)} s between the machines, which leaves ${percent(both.efficiency, 0)}`);
});

/** One worker and two, on the same rows of each. */
interface Form {
  readonly one: { readonly secondsPerStep: number };
  readonly all: { readonly secondsPerStep: number; readonly spread: readonly [number, number] };
  readonly efficiency: number;
  readonly peerLossGap: number;
}
type Shapes<T> = Readonly<Record<'step' | 'long', T>>;

/** "110 to 111", or "111" where both round to it. */
const range = (numbers: readonly number[]) =>
  [...new Set([Math.min(...numbers), Math.max(...numbers)].map((number) => number.toFixed(0)))].join(' to ');

type Trial =
  | 'statementsSentAhead'
  | 'collectiveInTheCompiledUpdate'
  | 'xlaForTheWholeUpdate'
  | 'lossReadBeforeTheSum'
  | 'groupsOf16'
  | 'groupsOf64';

const { nccl, ring, peer, phases, tried, sums, small, same } = JSON.parse(readFileSync('tests/bench/results/gpu/scale.json', 'utf8')) as {
  readonly nccl: Shapes<Form>;
  readonly ring: Shapes<Form>;
  readonly peer: Shapes<{ readonly secondsPerStep: number; readonly spread: readonly [number, number] }>;
  readonly phases: { readonly milliseconds: Readonly<Record<'fuse' | 'updateAll', { readonly call: number; readonly read: number }>> };
  readonly tried: Readonly<Record<Trial, readonly number[]>> & {
    readonly firstUpdate: { readonly statementsSentAhead: readonly number[]; readonly xlaForTheWholeUpdate: number };
  };
  readonly sums: Readonly<Record<'nccl' | 'ring', readonly { readonly bytes: number; readonly seconds: number }[]>>;
  readonly small: { readonly difference: number; readonly resumed: number };
  readonly same: { readonly lossGap: number };
};

test('what it says of two GPUs is in the results', () => {
  const ms = ({ secondsPerStep }: { readonly secondsPerStep: number }) => `${(1000 * secondsPerStep).toFixed(0)} ms`;
  for (const [shape, rows] of [
    ['step', '4 × 512'],
    ['long', '2 × 2048'],
  ] as const) {
    const { one, all, efficiency } = nccl[shape];
    const cells = [rows, ms(one), ms(all), `${(100 * efficiency).toFixed(0)} %`, ms(ring[shape].all), ms(peer[shape])];
    expect(page).toContain(`| ${cells.join(' | ')} |`);
  }
  const [, gradients] = sums.nccl;
  expect(page).toContain(`(${((gradients?.bytes ?? 0) / 1e6).toFixed(1)} MB) takes ${(1000 * (gradients?.seconds ?? 0)).toFixed(2)} ms`);
  expect(page).toContain(`and ${(1000 * (sums.ring[1]?.seconds ?? 0)).toFixed(0)} ms through the ring`);
  const rest = Object.values(nccl).map(({ one, all }) => Math.round(1000 * (all.secondsPerStep - one.secondsPerStep)));
  expect(page).toContain(`Two workers take ${Math.min(...rest)} to ${Math.max(...rest)} ms longer than one`);
  const gap = Math.max(...Object.values(nccl).map(({ peerLossGap }) => peerLossGap));
  expect(page).toContain(`Its losses agree with ours to ${(Math.ceil(1e4 * gap) / 100).toFixed(2)} %`);
  const { fuse, updateAll } = phases.milliseconds;
  const words = page.replace(/\n/g, ' ');
  expect(words).toContain(
    `takes the host ${updateAll.call.toFixed(0)} ms to send, and the GPU is done with it ${updateAll.read.toFixed(1)} ms later`,
  );
  expect(words).toContain(`putting the gradients into one buffer takes ${fuse.call.toFixed(0)} ms more`);
  const trials = (name: Trial) => range(tried[name].map((seconds) => 1000 * seconds));
  expect(words).toContain(`(${trials('collectiveInTheCompiledUpdate')} ms beside ${trials('statementsSentAhead')})`);
  const { firstUpdate } = tried;
  expect(words).toContain(
    `(${trials('xlaForTheWholeUpdate')} ms, and a first update of ${firstUpdate.xlaForTheWholeUpdate.toFixed(0)} s instead of ${range(firstUpdate.statementsSentAhead)})`,
  );
  expect(words).toContain(`(${trials('lossReadBeforeTheSum')} ms), and groups of 64`);
  expect(words).toContain(`(${trials('groupsOf64')} ms beside ${trials('groupsOf16')})`);
  expect(page).toContain(`differs from that of one by at most ${Math.max(small.difference, small.resumed).toExponential(1)}`);
  expect(page).toContain(`differ by at most ${(100 * same.lossGap).toFixed(3)} %`);
});

test('notebook 10 orders the two GPUs of both sides as they were measured', () => {
  const text = readFileSync('notebooks/10-beyond-one-machine.ipynb', 'utf8');
  expect(text).toContain('that step takes the host five milliseconds to send');
  expect(phases.milliseconds.updateAll.call.toFixed(0)).toBe('5');
  expect(text).toContain("PyTorch's pair is about level with ours on the short rows and far behind on the long ones.");
  expect(nccl.step.all.spread[1]).toBeGreaterThan(peer.step.spread[0]); // the intervals overlap
  expect(nccl.long.all.secondsPerStep / peer.long.secondsPerStep).toBeLessThan(0.8);
});
