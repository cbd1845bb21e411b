// tests/peers/onnxruntime.js FOLDER: the other half of onnxruntime.lua, which says what this is.
const fs = require('fs'), path = require('path');
const folder = path.resolve(process.argv[2]);
const ort = require(require.resolve('onnxruntime-node', {paths: [folder]}));
const floats = file => { const b = fs.readFileSync(file); return new Float32Array(b.buffer, b.byteOffset, b.length / 4); };

(async () => {
  console.log('| network | output | largest difference | of the largest value |\n| --- | --- | --- | --- |');
  for (const file of fs.readdirSync(folder).filter(f => f.endsWith('.onnx')).sort()) {
    const stem = path.join(folder, file.slice(0, -5));
    const session = await ort.InferenceSession.create(stem + '.onnx', {intraOpNumThreads: 2});
    const x = floats(stem + '.input'), want = floats(stem + '.output');
    const rest = session.inputMetadata[0].shape.slice(1);
    const shape = [x.length / rest.reduce((a, b) => a * b, 1), ...rest];
    const result = await session.run({[session.inputNames[0]]: new ort.Tensor('float32', x, shape)});
    const got = result[session.outputNames[0]];
    let apart = 0, largest = 0;
    for (let i = 0; i < want.length; i++) {
      apart = Math.max(apart, Math.abs(got.data[i] - want[i]));
      largest = Math.max(largest, Math.abs(want[i]));
    }
    console.log(`| ${file.slice(0, -5)} | ${got.dims.join('x')} | ${apart.toExponential(1)} | ${(apart / largest).toExponential(1)} |`);
  }
})();
