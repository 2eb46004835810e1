/** Icons as strokes on a 20-unit grid; they are decoration, the control that holds one carries the name. */

const PATHS = {
  send: 'M10 16V4.5M5 9.3l5-5 5 5',
  stop: 'M6 6h8v8H6z',
  plus: 'M10 4.5v11M4.5 10h11',
  sliders: 'M3.5 6.5h7m4 0h2M3.5 13.5h2m4 0h7M12.5 4.5v4m-5 3v4',
  copy: 'M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3',
  check: 'M4.5 10.5l3.8 3.8 7.2-8',
  refresh: 'M15.8 8.2A6 6 0 1 0 16 11M16.2 4.4v4h-4',
  key: 'M7 13.8a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6zM10.3 10.5h7m-2.3 0v3m-2.2-3v2',
  sun: 'M10 13.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM10 2.8v1.4m0 11.6v1.4M2.8 10h1.4m11.6 0h1.4M4.9 4.9l1 1m8.2 8.2l1 1m0-10.2l-1 1m-8.2 8.2l-1 1',
  moon: 'M15.8 11.8A6.2 6.2 0 0 1 8.2 4.2a6.2 6.2 0 1 0 7.6 7.6z',
  system: 'M3.5 4.5h13v8.5h-13zM7.5 16h5M10 13v3',
  down: 'M10 4v11.5m-5-5l5 5 5-5',
  undo: 'M7.2 4.8L4 8l3.2 3.2M4.4 8h7.1a4 4 0 0 1 0 8H8.4',
  close: 'M5.5 5.5l9 9m0-9l-9 9',
  chat: 'M4 5h12v8.5H9.2L6 16.2v-2.7H4z',
  write: 'M4.2 15.8l.7-3.2 8.2-8.2 2.5 2.5-8.2 8.2zM11.4 6.1l2.5 2.5',
  memory: 'M3.5 4.5h13v3h-13zM3.5 10.4h13v3h-13zM9 4.5v3M13.5 10.4v3M3.5 16.5h13',
  rate: 'M3.5 15.5v-4h3v4zM8.5 15.5v-8h3v8zM13.5 15.5v-11h3v11z',
  review: 'M3.5 4.5h6v8h-6zM11.5 4.5h5M11.5 8.5h5M4 16l2.5 2 4-4.5M13 16.5h3.5',
  image: 'M3.5 4.5h13v11h-13zM3.5 13l3.6-3.6 3 3 2.4-2.4 4 4M13 8.2h.01',
  folder: 'M3.5 15.5v-11h4.6l1.6 2h6.8v9z',
  brush:
    'M16 4l-6.6 6.2M8.8 10.2a2.6 2.6 0 0 0-2.6 2.6c0 1.3-.8 2.2-2.2 2.6 2.8 1 7.4.4 7.4-2.6a2.6 2.6 0 0 0-2.6-2.6z',
  eraser: 'M8 15.5h8.5M11.6 4.6l4 4-6.9 6.9H6.3l-2.7-2.7zM7.4 8.8l4 4',
  dice: 'M4.5 4.5h11v11h-11zM7.5 7.5h.02M10 10h.02M12.5 12.5h.02',
  lock: 'M5.5 9h9v7h-9zM7.5 9V6.6a2.5 2.5 0 0 1 5 0V9',
  unlock: 'M5.5 9h9v7h-9zM7.5 9V6.6a2.5 2.5 0 0 1 4.8-1',
  download: 'M10 3.5V12m-3.6-3.4L10 12.2l3.6-3.6M4 16h12',
  grid: 'M3.8 3.8h3.4v3.4H3.8zM8.3 3.8h3.4v3.4H8.3zM12.8 3.8h3.4v3.4h-3.4zM3.8 8.3h3.4v3.4H3.8zM8.3 8.3h3.4v3.4H8.3zM12.8 8.3h3.4v3.4h-3.4zM3.8 12.8h3.4v3.4H3.8zM8.3 12.8h3.4v3.4H8.3zM12.8 12.8h3.4v3.4h-3.4z',
  variants: 'M3.5 5.5h5.5v9H3.5zM11 5.5h5.5v9H11z',
  trash: 'M4.5 6h11M8 6V4.2h4V6M6 6l.6 10h6.8L14 6M8.6 8.8v4.4m2.8-4.4v4.4',
  invert: 'M10 3.8a6.2 6.2 0 1 0 0 12.4zM10 3.8a6.2 6.2 0 0 1 0 12.4z',
  handle: 'M7.5 6L4 10l3.5 4M12.5 6l3.5 4-3.5 4',
  scene: 'M4 16.2h12M7.4 15.8a3.2 3.2 0 1 0-.1 0M10.6 9.2h5.2v6.6h-3.2M12.8 3.6l2.2 3.8h-4.4z',
  warning: 'M10 4l6.8 12H3.2zM10 8.5v3.4m0 2v.3',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className={`icon icon-${name}`} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
