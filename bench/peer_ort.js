// bench/peer_ort.js FOLDER THREADS: ONNX Runtime (npm package onnxruntime-node), the fastest forward pass that a user could
// pick. Answers the lines of bench/worker.lua, for the tasks that need no gradient.
const ort = require('onnxruntime-node');
const [folder, threads] = process.argv.slice(2);
const options = {intraOpNumThreads: Number(threads), graphOptimizationLevel: 'all'};
let job, session, last;

async function setup(task, net) {
  if (task !== 'forward' && task !== 'load') return 'skip no gradients';
  const file = `${folder}/${net}.onnx`, count = 3 * 224 * 224;
  const x = new ort.Tensor('float32', Float32Array.from({length: count}, () => Math.random() - 0.5), [1, 3, 224, 224]);
  if (session) await session.release();
  session = await ort.InferenceSession.create(file, options);
  const name = session.inputNames[0];
  job = () => session.run({[name]: x});
  if (task === 'load') job = async () => {
    const fresh = await ort.InferenceSession.create(file, options);
    await fresh.run({[name]: x});
    await fresh.release();
  };
  await job();
  last = 0;
  return 'ready';
}

async function run(n) {
  const times = [];
  for (let i = last < 200 ? -1 : 0; i < n; i++) {
    const start = process.hrtime.bigint();
    await job();
    last = Number(process.hrtime.bigint() - start) / 1e6;
    if (i >= 0) times.push(last.toFixed(4));
  }
  return times.join(' ');
}

(async () => {
  console.log('ONNX Runtime ' + require('onnxruntime-node/package.json').version);
  for await (const line of require('readline').createInterface({input: process.stdin})) {
    const [verb, first, second] = line.split(' ');
    console.log(verb === 'make' ? 'ok' : verb === 'setup' ? await setup(first, second) : await run(Number(first)));
  }
})().catch((e) => {
  console.error(String(e.message).split('\n')[0]);
  process.exit(1);
});
process.on('SIGINT', () => process.exit(130));
