import type { EngineInfo } from '@triptych/llm';
import { formatCount } from '../lib/format.js';
import type { MemoryFeed } from '../state/memory-feed.js';
import type { Theme } from '../state/settings.js';
import { Icon, type IconName } from '../ui/icon.js';
import { Mark } from './mark.js';
import { MemoryGauge } from './memory-gauge.js';
import type { Panel } from './routes.js';

export interface RailProps {
  readonly panels: readonly Panel[];
  readonly path: string | undefined;
  readonly info: EngineInfo | undefined;
  readonly feed: MemoryFeed;
  readonly theme: Theme;
  readonly onTheme: (theme: Theme) => void;
  readonly onOpenSettings: () => void;
}

/** The left wing: which panel, which page, what runs behind it. On a small screen it is the top bar. */
export function Rail({ panels, path, info, feed, theme, onTheme, onOpenSettings }: RailProps) {
  return (
    <header className="rail">
      <a className="brand" href={`#/${panels[0]?.pages[0]?.path ?? ''}`} aria-label="Triptych">
        <Mark />
        <span>Triptych</span>
      </a>
      <nav aria-label="Pages">
        {panels.map((panel) => (
          <div key={panel.id} className="rail-panel" data-panel={panel.id}>
            <p className="rail-label">{panel.label}</p>
            <ul>
              {panel.pages.map((page) => (
                <li key={page.path}>
                  <a href={`#/${page.path}`} aria-current={page.path === path ? 'page' : undefined}>
                    <Icon name={page.icon} />
                    <span>{page.label}</span>
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div className="rail-foot">
        <MemoryGauge feed={feed} />
        {info !== undefined && <ModelFacts info={info} />}
        <div className="rail-buttons">
          <ThemeButton theme={theme} onTheme={onTheme} />
          <button
            type="button"
            className="icon-button"
            onClick={onOpenSettings}
            aria-label="API key and theme"
            title="API key and theme"
          >
            <Icon name="key" />
          </button>
        </div>
      </div>
    </header>
  );
}

const ISA_NAMES: Readonly<Record<string, string>> = {
  amx: 'AMX',
  avx512bf16: 'AVX-512 BF16',
  avx512: 'AVX-512',
  avxvnni: 'AVX-VNNI',
  avx2: 'AVX2',
  portable: 'portable',
};

function ModelFacts({ info }: { readonly info: EngineInfo }) {
  return (
    <div className="model-facts">
      <p title={info.id}>{info.name}</p>
      <p>
        {formatCount(info.parameters)} · {ISA_NAMES[info.isa] ?? info.isa} · {info.threads}{' '}
        {info.threads === 1 ? 'thread' : 'threads'}
      </p>
    </div>
  );
}

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const THEME_ICONS: Readonly<Record<Theme, IconName>> = { system: 'system', light: 'sun', dark: 'moon' };

function ThemeButton({
  theme,
  onTheme,
}: {
  readonly theme: Theme;
  readonly onTheme: (theme: Theme) => void;
}) {
  const label = `Theme: ${theme}. Change to ${NEXT_THEME[theme]}`;
  return (
    <button
      type="button"
      className="icon-button"
      onClick={() => onTheme(NEXT_THEME[theme])}
      aria-label={label}
      title={label}
    >
      <Icon name={THEME_ICONS[theme]} />
    </button>
  );
}
