import fs from 'node:fs';
import type { ExperimentResults } from 'lowrank-review';
import { readExperimentConfig } from 'lowrank-review';
import { describe, expect, test } from 'vitest';
import { schemaFaults } from '../../io/schemaFaults';

const textOf = (form: string) => fs.readFileSync(`experiments/results/reviewer-${form}.json`, 'utf8');

test('the committed results of both forms follow their schema, which refuses another metric', () => {
  const wrong = ['long', 'human'].map((form) => {
    const { rows, ...others } = JSON.parse(textOf(form)) as ExperimentResults;
    const [first, ...rest] = rows;
    return JSON.stringify({ ...others, rows: [{ ...first, metric: 'rouge' }, ...rest] });
  });
  const refused = [expect.stringMatching(/rows\[0\]\.metric: 'rouge' is not one of/)];
  const faults = schemaFaults('experiments/results.schema.json', [textOf('long'), textOf('human'), ...wrong]);
  expect(faults).toEqual([[], [], refused, refused]);
});

describe.each(['long', 'human'])('the committed results of the %s form', (form) => {
  const results = JSON.parse(textOf(form)) as ExperimentResults;

  test('are those of the configuration in the repository', () => {
    expect(results.config).toEqual(readExperimentConfig('experiments/reviewer.json', form));
  });

  test('name every run of the configuration once, as made or as missing', () => {
    const { methods, tasks, seeds } = results.config;
    const planned = methods.flatMap(({ name, seeds: count = seeds.length }) =>
      tasks.flatMap((task) => seeds.slice(0, count).map((seed) => JSON.stringify([name, task, seed]))),
    );
    const named = [...results.runs, ...results.notRun].map(({ method, task, seed }) => JSON.stringify([method, task, seed]));
    expect(named.sort()).toEqual(planned.sort());
  });

  test('choose the rate with the lowest validation loss of each sweep, and every run has it', () => {
    expect(results.sweeps.length).toBe(results.config.methods.length * results.config.tasks.length);
    for (const { method, task, trials, learningRate, isAtEdge } of results.sweeps) {
      const losses = trials.map(({ loss }) => loss ?? Infinity);
      const best = losses.indexOf(Math.min(...losses));
      expect(trials[best]?.learningRate).toBe(learningRate);
      expect(isAtEdge).toBe(best === 0 || best === trials.length - 1);
      for (const run of results.runs.filter((each) => each.method === method && each.task === task))
        expect(run.learningRate).toBe(learningRate);
    }
  });

  test('have means of their seeds as values, inside their intervals, over all seeds that ran', () => {
    for (const { method, task, value, low, high, perSeed } of results.rows) {
      const mean = perSeed.reduce((sum, each) => sum + each, 0) / perSeed.length;
      expect(Math.abs(value - mean)).toBeLessThanOrEqual(1e-4 * Math.abs(mean) + 1e-9);
      expect(low <= value && value <= high).toBe(true);
      const ran = results.runs.filter((run) => run.method === method && run.task === task).length;
      expect(perSeed.length).toBe(Math.max(1, ran));
    }
  });

  test('have differences of these means, in the order of each pair', () => {
    expect(results.differences.length).toBeGreaterThan(form === 'long' ? 50 : 20);
    for (const { method, reference, task, metric, value, low, high } of results.differences) {
      const mean = (name: string) =>
        results.rows.find((row) => row.method === name && row.task === task && row.metric === metric)?.value ?? Number.NaN;
      const [a, b] = [mean(method), mean(reference)];
      expect(Math.abs(value - (a - b))).toBeLessThanOrEqual(2e-4 * (Math.abs(a) + Math.abs(b)));
      expect(low <= value && value <= high).toBe(true);
    }
  });

  test('count the trained parameters of each method', () => {
    const parameters = new Map(results.runs.map(({ method, trainableParameters }) => [method, trainableParameters]));
    const known: Record<string, number> = {
      'full fine-tuning': results.model.parameters,
      'LoRA r=8, α=16': 30 * 8 * (576 + 576 + 576 + 192),
      'LoRA r=16, α=16': 30 * 16 * (576 + 576 + 576 + 192),
      'prefix K=10': 28 * (10 * 576 + 9),
      'prefix K=29': 28 * (29 * 576 + 9),
      'prefix K=10, scalar gate': 28 * (10 * 576 + 1),
    };
    const counted = [...parameters].filter(([method]) => method in known);
    expect(counted.length).toBeGreaterThanOrEqual(form === 'long' ? 6 : 2);
    for (const [method, count] of counted) expect(count).toBe(known[method]);
  });
});
