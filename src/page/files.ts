/** Whether something that is dragged or pasted is files, and no text besides. */
const isFiles = (data: DataTransfer | null): boolean =>
  data !== null && data.types.includes('Files') && !data.types.includes('text/plain');

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement;

/** Keeps what is dropped anywhere from being opened in place of the page, and calls `refuse` for files. */
export const refuseFiles = (refuse: () => void): void => {
  const keep = (event: DragEvent): boolean => {
    const isRefused = isFiles(event.dataTransfer);
    if (isRefused || !isField(event.target)) event.preventDefault();
    return isRefused;
  };
  window.addEventListener('dragover', keep);
  window.addEventListener('drop', (event) => {
    if (keep(event)) refuse();
  });
  window.addEventListener('paste', (event) => {
    if (!isFiles(event.clipboardData)) return;
    event.preventDefault();
    refuse();
  });
};
