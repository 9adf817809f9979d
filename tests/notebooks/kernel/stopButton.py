"""Presses the stop button of one kernel at several moments of each long work; prints what came of each as a line of JSON.

Usage: stopButton.py FOLDER

A moment is 'translated' (tslab has taken the cell and has not begun it), or so many seconds after the cell has begun, which it tells by a file.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from queue import Empty

os.environ.update(JUPYTER_PREFER_ENV_PATH="1", JUPYTER_PATH="", JUPYTER_PLATFORM_DIRS="1")
from jupyter_client.manager import start_new_kernel  # noqa: E402

CHECKOUT = Path(__file__).resolve().parents[3]
MOMENTS = ("translated", 0, 0.2)
CELL_SECONDS, ALL_SECONDS = 60, 240
TURNED_AWAY = 0.1  # tslab turns cells away for a while after an error

SETUP = """
import fs from 'node:fs';
import * as lib from 'lowrank';
import { predictReviews } from 'lowrank-review';
const folder = %s;
const begin = () => fs.writeFileSync(folder + '/begun', '');
const sizes = { vocabSize: 400, hiddenSize: 32, intermediateSize: 64, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 8192 };
const base = lib.LlamaForCausalLM.fromConfig(sizes, { seed: 1 });
base.savePretrained(folder + '/model');
const model = lib.getPeftModel(base, new lib.LoraConfig({ loraDropout: 0.1 }));
const row = Array.from({ length: 32 }, (_, i) => (i * 7) %% 400);
const batch = lib.padBatch(Array.from({ length: 8 }, () => ({ inputIds: row, labels: row })), { padTokenId: 0 });
const tokenizer = {
  bosTokenId: 1,
  eosTokenId: 2,
  encode: (text: string) => Array.from(text, (letter) => 3 + (letter.codePointAt(0) ?? 0) %% 390),
  decode: (ids: readonly number[]) => String.fromCodePoint(...ids.map((id) => id + 96)),
};
const hunk = { file: 'a.js', language: 'js', code: 'let a = 1;', comment: 'Use const.', refinedCode: 'const a = 1;', needsReview: true };
const review = async (count: number) =>
  predictReviews(model as never, tokenizer as never, 'comment', Array.from({ length: count }, () => ({ ...hunk })) as never, { maxNewTokens: 9 });
const load = async (times: number) => {
  for (let i = 0; i < times; i++) (await lib.LlamaForCausalLM.fromPretrained(folder + '/model')).dispose();
};
await lib.train(model, [batch], { steps: 1 });
const logits = () => lib.tf.tidy(() => model.forward(lib.tf.tensor2d([row], undefined, 'int32')).dataSync());
let last = logits();
/** Whether the model computes what it did when this was last asked, and what a stopped call may have left. */
const state = () => {
  const found = logits();
  const isSame = found.every((value, i) => value === last[i]);
  last = found;
  return { isSame, isFinite: found.every(Number.isFinite), isTraining: model.isTraining, tensors: lib.tf.memory().numTensors };
};
console.log(JSON.stringify(state()));
const { numTensors } = lib.tf.memory();
/** Waits, two seconds at most, for a stopped call to give back what it held: its cell ends first. */
const settled = async () => {
  for (let i = 0; i < 100 && lib.tf.memory().numTensors !== numTensors; i++) await new Promise((resolve) => setTimeout(resolve, 20));
};
"""

# Each work, and a short call of the same kind.
WORKS = {
    "train": ("await lib.train(model, [batch], { steps: 1e6 })", "await lib.train(model, [batch], { steps: 1 })"),
    "evaluate": ("await lib.evaluateLoss(model, Array(1e5).fill(batch))", "await lib.evaluateLoss(model, [batch])"),
    "generate": (
        "await model.generate([row], { maxNewTokens: 8000, eosTokenId: [] })",
        "await model.generate([row], { maxNewTokens: 3, eosTokenId: [] })",
    ),
    "review": ("await review(3e3)", "await review(1)"),
    "load": ("await load(1e5)", "await load(1)"),
}


class Kernel:
    def __init__(self, folder):
        self.begun = folder / "begun"
        self.manager, self.client = start_new_kernel(kernel_name="tslab", cwd=str(CHECKOUT / "notebooks"))

    def run(self, code, stop_at=None):
        """What a cell prints. Where a moment is named the button is pressed then."""
        self.begun.unlink(missing_ok=True)
        request = self.client.execute(code)
        printed = []
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=CELL_SECONDS)
            except Empty:
                raise TimeoutError(f"nothing came for {CELL_SECONDS} s from {code!r}, stopped at {stop_at}; it printed {printed}") from None
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                printed.append(content["text"])
            elif kind == "status" and content["execution_state"] == "busy" and stop_at is not None:
                self.wait_for(stop_at)
                self.manager.interrupt_kernel()
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(printed)

    def answer(self, code):
        """What a cell prints that is sure to print something, once the kernel takes it."""
        while not (printed := self.run(code)):
            time.sleep(TURNED_AWAY)
        return printed

    def wait_for(self, moment):
        if moment == "translated":
            return
        while not self.begun.exists():
            time.sleep(0.0005)
        time.sleep(moment)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)  # kills its whole process group


def end(number, _frame):
    raise TimeoutError(f"ended by {signal.Signals(number).name}")


def main(folder):
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, end)
    signal.alarm(ALL_SECONDS)
    kernel = Kernel(folder)
    try:
        print(kernel.run(SETUP % json.dumps(str(folder))), end="", flush=True)
        for work, (code, short_call) in WORKS.items():
            for moment in MOMENTS:
                said = kernel.run(f"begin(); {code}; console.log('it came to its end')", stop_at=moment)
                state = kernel.answer("await settled(); console.log(JSON.stringify(state()))")
                next_call = kernel.answer(f"{short_call}; console.log(JSON.stringify(state()))")
                outcome = {"work": work, "moment": moment, "said": said, "state": state, "next": next_call}
                print(json.dumps(outcome), flush=True)
    finally:
        kernel.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
