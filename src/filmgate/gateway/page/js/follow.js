// Follows a task by its event stream until it has ended. It draws nothing.

import { decode, get } from "./api.js";

const RETRY_MS = 3000;
const FINAL = new Set(["completed", "failed", "cancelled"]);

/** Whether nothing can follow. */
export const isFinal = (task) => FINAL.has(task.status);

/** Tell every change, and the frames as they are made. Returns a function that stops. */
export function follow(taskId, { ontask, onpreview = () => {} }) {
  let stream = null;
  let again = 0;
  let seen = -1;

  function open() {
    stream = new EventSource(`/v1/tasks/${taskId}/events?previews=true&expand=request`);
    stream.addEventListener("task", (event) => told(decode(event.data)));
    stream.addEventListener("preview", (event) => {
      const preview = JSON.parse(event.data);
      if (preview.number <= seen) return;
      seen = preview.number;
      onpreview(preview.url);
    });
    // A stream that only broke is opened again by the browser; one that was refused is closed for good.
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) again = setTimeout(look, RETRY_MS);
    });
  }

  async function look() {
    try {
      const { data } = await get(`/v1/tasks/${taskId}`, { expand: "request" });
      told(data);
      if (!isFinal(data)) open();
    } catch (error) {
      if (error.status !== 401 && error.status !== 400) again = setTimeout(look, RETRY_MS);
    }
  }

  function told(task) {
    if (isFinal(task)) stop();
    ontask(task);
  }

  function stop() {
    clearTimeout(again);
    stream?.close();
  }

  open();
  return stop;
}
