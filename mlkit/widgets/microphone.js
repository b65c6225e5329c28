// The microphone: raw samples as the device gives them, how loud they are, and what to say where
// there are none. Only Microphone itself touches the browser; the rest runs in `node --test`.

const CHUNK = 1024;
const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const TOLD = ["sampleRate", "channelCount", ...Object.keys(RAW)]; // never the device's name: it often has its owner's
const EXAMPLE = "Or go on without a microphone: datasets.load_example_voice() is an example speaker.";

// Runs beside the page, so that a busy page loses no sample.
const TAP = `registerProcessor("mlkit-tap", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.start();
    this.port.onmessage = () => { this.give(); this.port.postMessage("all"); };
  }
  start() { this.held = new Float32Array(${CHUNK}); this.n = 0; }
  give() { const part = this.held.slice(0, this.n); this.start(); if (part.length) this.port.postMessage(part); }
  process([[channel]]) {
    for (let n = 0; channel && n < channel.length; n += 1) {
      this.held[this.n++] = channel[n];
      if (this.n === ${CHUNK}) this.give();
    }
    return true;
  }
});`;

export function troubleText(name, { secure = true, host = "", can = true, detail = "" } = {}) {
  const what = !secure
    ? `Browsers give the microphone only to https pages and to this machine itself, and this page came over http from ${host}. Open JupyterLab as http://localhost (from far away: ssh -L 8888:localhost:8888), or serve it over https.`
    : !can ? "This browser gives a page no microphone. Open JupyterLab in a current Firefox, Chrome, Edge or Safari."
    : {
      NotAllowedError: "The microphone was not allowed. Press the sign beside the page's address, allow the microphone there (and in the system's settings for this browser), then press m.",
      NotFoundError: "No microphone was found. Plug one in or choose one in the system's settings, then press m.",
      NotReadableError: "The microphone does not answer: another program may be using it. Close that program, then press m.",
      Ended: "The microphone was unplugged or turned off. A take that was under way is not kept, all finished ones are. Plug it in again, then press m.",
      Silent: "The microphone gives no sound at all. Is it muted, by a switch or in the system's settings? Press m to try again.",
    }[name] ?? `The microphone cannot be opened (${[name, detail].filter(Boolean).join(": ")}). Press m to try again.`;
  return `${what} ${EXAMPLE}`;
}

// Root mean square and peak of a piece of sound, in decibels of full scale.
export function loudness(samples) {
  let sum = 0, peak = 0;
  for (const value of samples) { sum += value * value; peak = Math.max(peak, Math.abs(value)); }
  const db = (x) => 20 * Math.log10(Math.max(x, 1e-5));
  return { rms: db(Math.sqrt(sum / Math.max(1, samples.length))), peak: db(peak) };
}

// What the loudest of the last second and a half says: name, shape and words.
export function verdict(peak, recording = false) {
  if (peak >= -0.1) return ["loud", "▲", "too loud: move away a little"];
  if (peak >= -30) return ["good", "●", "good"];
  if (peak >= -50) return ["quiet", "▽", "quiet: come nearer"];
  return ["silent", "○", recording ? "read it now" : "say something to try it"];
}

// Says when somebody has spoken and then been silent for a while.
export class Ender {
  constructor(floor = -60, still_s = 0.8) { Object.assign(this, { floor, still_s, top: -100, voice_s: 0, quiet_s: 0 }); }
  push(rms, seconds) {
    this.floor = Math.min(this.floor, rms);
    if (rms > Math.max(this.floor + 12, -50)) {
      this.voice_s += seconds;
      this.top = Math.max(this.top, rms);
    }
    this.quiet_s = rms < Math.max(this.floor + 8, this.top - 30) ? this.quiet_s + seconds : 0;
    return this.voice_s >= 0.08 && this.quiet_s >= this.still_s;
  }
}

export const joined = (parts) => {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((place, part) => { all.set(part, place); return place + part.length; }, 0);
  return all;
};

class Microphone {
  constructor(onPart, onEnd) { Object.assign(this, { onPart, onEnd, stream: null, context: null, granted: {}, how: "" }); }

  get on() { return this.stream !== null; }
  get rate() { return this.context?.sampleRate ?? 0; }

  // Throws an error whose name troubleText knows.
  async open() {
    if (this.on) return;
    const can = navigator.mediaDevices?.getUserMedia && window.AudioContext;
    if (!can) throw Object.assign(new Error(""), { name: "NoMicrophone" });
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { ...RAW, channelCount: 1 } });
    if (this.shut) { stream.getTracks().forEach((track) => track.stop()); return; }
    const [track] = stream.getAudioTracks(), settings = track.getSettings?.() ?? {};
    this.granted = Object.fromEntries(TOLD.filter((name) => name in settings).map((name) => [name, settings[name]]));
    this.stream = stream;
    try { await this.connect(settings.sampleRate); } catch (error) { this.close(); throw error; }
    track.addEventListener("ended", () => { if (this.stream === stream) { this.close(); this.onEnd(); } });
  }

  async connect(rate) {
    // At the device's own rate nothing is resampled before the kernel does it; half a minute of a
    // higher one than 48 kHz is too much for one message.
    try { this.context = new AudioContext(rate ? { sampleRate: Math.min(rate, 48000) } : {}); this.source = this.context.createMediaStreamSource(this.stream); }
    catch { this.context?.close(); this.context = new AudioContext(); this.source = this.context.createMediaStreamSource(this.stream); }
    await this.context.resume();
    const mono = { numberOfInputs: 1, numberOfOutputs: 1, channelCount: 1, channelCountMode: "explicit" };
    const address = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
    try {
      await this.context.audioWorklet.addModule(address);
      this.tap = new AudioWorkletNode(this.context, "mlkit-tap", mono);
      this.tap.port.onmessage = ({ data }) => { if (data === "all") this.flushed?.(); else this.onPart(data); };
      this.how = "audio worklet";
    } catch { // a page's rules may forbid code from a blob
      this.tap = this.context.createScriptProcessor(2048, 1, 1);
      this.tap.onaudioprocess = ({ inputBuffer }) => this.onPart(inputBuffer.getChannelData(0).slice());
      this.how = "script processor";
    } finally { URL.revokeObjectURL(address); }
    this.source.connect(this.tap);
    this.tap.connect(this.context.destination); // it gives silence; unconnected it would sleep
  }

  // Until what the tap still holds has come.
  async flush() {
    if (!this.tap?.port) return;
    await new Promise((done) => { this.flushed = done; this.tap.port.postMessage("give"); setTimeout(done, 300); });
  }

  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.tap?.disconnect();
    this.context?.close().catch(() => {});
    Object.assign(this, { stream: null, context: null, tap: null });
  }
}
