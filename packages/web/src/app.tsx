import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { streamChat, streamContinuation } from './api/generate.js';
import { fetchImageModels, makeScene, recallParameters, streamEdit } from './api/images.js';
import { streamMemory } from './api/inspect.js';
import { Rail } from './frame/rail.js';
import { pageAt, panelsFor, useRoute } from './frame/routes.js';
import { ServerNote } from './frame/server-note.js';
import { SettingsDialog } from './frame/settings-dialog.js';
import { useServer } from './frame/use-server.js';
import { browserStorage, browserTabStorage } from './lib/browser-storage.js';
import { ChatPage } from './pages/chat/chat-page.js';
import { EditPage } from './pages/edit/edit-page.js';
import { browserPictureTools } from './pages/edit/picture-tools.js';
import { ManuscriptPage } from './pages/manuscript/manuscript-page.js';
import { MemoryPage } from './pages/memory/memory-page.js';
import { RatePage } from './pages/rate/rate-page.js';
import { ReviewPage } from './pages/review/review-page.js';
import { SamplingSheet } from './pages/sampling/sampling-sheet.js';
import { ChatController } from './state/chat-controller.js';
import { browserArchive } from './state/edit-archive.js';
import { EditController } from './state/edit-controller.js';
import { loadEditSettings, saveEditSettings } from './state/edit-settings.js';
import {
  keepSaved,
  loadConversation,
  loadManuscript,
  saveConversation,
  saveManuscript,
} from './state/kept-texts.js';
import { ManuscriptController } from './state/manuscript-controller.js';
import { MemoryWatch } from './state/memory-watch.js';
import { loadSettings, type Settings, saveSettings } from './state/settings.js';
import { useStore } from './ui/hooks.js';
import { DOCKED_QUERY, SHEET_TOGGLE_ID } from './ui/sheet.js';

/** The frame and the page in it. Conversations live here, above the pages, so changing pages loses nothing. */
export function App() {
  const route = useRoute();
  const [settings, setSettings] = useState<Settings>(() => loadSettings(browserStorage()));
  const current = useRef(settings);
  const { server, connect } = useServer(() => current.current.apiKey);
  const [settingsOpen, setSettingsOpen] = useState(false);
  // 'shown' is open from the start, where there is room; 'opened' is open because the user said so.
  const [sheet, setSheet] = useState<'closed' | 'shown' | 'opened'>(() =>
    matchMedia(DOCKED_QUERY).matches ? 'shown' : 'closed',
  );

  const change = useCallback((part: Partial<Settings>) => {
    current.current = { ...current.current, ...part };
    setSettings(current.current);
    saveSettings(browserStorage(), current.current);
  }, []);

  const { chat, manuscript, watch, edit } = useMemo(() => {
    const key = () => ({ apiKey: current.current.apiKey });
    return {
      chat: new ChatController({
        stream: (messages, signal) => streamChat(messages, current.current.sampling, { ...key(), signal }),
        systemPrompt: () => current.current.systemPrompt,
        initial: loadConversation(browserTabStorage()),
      }),
      manuscript: new ManuscriptController({
        stream: (text, signal) => streamContinuation(text, current.current.sampling, { ...key(), signal }),
        initial: loadManuscript(browserTabStorage()),
      }),
      watch: new MemoryWatch({ stream: (signal) => streamMemory({ ...key(), signal }) }),
      edit: new EditController({
        server: {
          models: (signal) => fetchImageModels({ ...key(), signal }),
          edit: (request, signal) => streamEdit(request, { ...key(), signal }),
          scene: (seed) => makeScene(seed, key()),
          recall: (image) => recallParameters(image, key()),
        },
        tools: browserPictureTools,
        archive: browserArchive(browserPictureTools.url),
        settings: loadEditSettings(browserStorage()),
        saveSettings: (editSettings) => saveEditSettings(browserStorage(), editSettings),
      }),
    };
  }, []);
  const feed = useStore(watch.store);

  useEffect(() => {
    const storage = browserTabStorage();
    const ends = [
      keepSaved(chat.store, (conversation) => saveConversation(storage, conversation), {
        page: document,
      }),
      keepSaved(manuscript.store, (text) => saveManuscript(storage, text), { page: document }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [chat, manuscript]);

  // Only a page that is looked at, of a server that answers, watches the memory.
  const ready = server.state === 'ready' && server.info !== undefined;
  useEffect(() => {
    if (!ready) return;
    const look = () => (document.hidden ? watch.stop() : watch.start());
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      watch.stop();
    };
  }, [ready, watch]);

  useEffect(() => {
    if (settings.theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = settings.theme;
  }, [settings.theme]);

  const info = server.state === 'ready' ? server.info : undefined;
  const offers = server.state === 'ready' ? server.panels : { text: true, rate: false, review: false };
  const panels = panelsFor({
    ...offers,
    hasChatTemplate: offers.text ? (info?.hasChatTemplate ?? true) : undefined,
    edit: offers.text,
  });
  const { panel, page } = pageAt(panels, route);
  const path = page?.path;
  const label = page?.label;
  // The image panel asks for its own models, the first time it is looked at.
  const editing = path === 'edit';
  useEffect(() => {
    if (editing && edit.store.get().models.state !== 'ready') void edit.connect();
  }, [editing, edit]);

  useEffect(() => {
    document.title = label === undefined ? 'Triptych' : `${label} · Triptych`;
  }, [label]);

  const openSettings = () => setSettingsOpen(true);
  const closeSheet = () => {
    setSheet('closed');
    document.getElementById(SHEET_TOGGLE_ID)?.focus();
  };
  const pageProps = {
    sheetOpen: sheet !== 'closed',
    onToggleSheet: () => setSheet(sheet === 'closed' ? 'opened' : 'closed'),
    onOpenSettings: openSettings,
  };
  return (
    <div className="frame" data-panel={panel?.id}>
      <button type="button" className="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the page
      </button>
      <Rail
        panels={panels}
        path={path}
        info={info}
        feed={feed}
        theme={settings.theme}
        onTheme={(theme) => change({ theme })}
        onOpenSettings={openSettings}
      />
      <main id="main" tabIndex={-1}>
        {server.state !== 'ready' && !editing && (
          <ServerNote server={server} onRetry={connect} onOpenSettings={openSettings} />
        )}
        {info !== undefined && path === 'chat' && (
          <>
            {info.hasChatTemplate ? (
              <ChatPage info={info} chat={chat} {...pageProps} />
            ) : (
              <ManuscriptPage info={info} manuscript={manuscript} {...pageProps} />
            )}
            {sheet !== 'closed' && (
              <SamplingSheet
                sampling={settings.sampling}
                onSampling={(sampling) => change({ sampling })}
                {...(info.hasChatTemplate
                  ? {
                      systemPrompt: settings.systemPrompt,
                      onSystemPrompt: (systemPrompt: string) => change({ systemPrompt }),
                    }
                  : {})}
                takeFocus={sheet === 'opened'}
                onClose={closeSheet}
              />
            )}
          </>
        )}
        {path === 'rate' && <RatePage apiKey={settings.apiKey} onOpenSettings={openSettings} />}
        {path === 'review' && <ReviewPage apiKey={settings.apiKey} onOpenSettings={openSettings} />}
        {info !== undefined && path === 'memory' && (
          <MemoryPage feed={feed} onRetry={() => watch.start()} onOpenSettings={openSettings} />
        )}
        {editing && (
          <EditPage
            edit={edit}
            sheet={sheet}
            onToggleSheet={pageProps.onToggleSheet}
            onCloseSheet={closeSheet}
            onOpenSettings={openSettings}
          />
        )}
      </main>
      {settingsOpen && (
        <SettingsDialog
          apiKey={settings.apiKey}
          theme={settings.theme}
          onSave={(apiKey) => {
            change({ apiKey });
            connect();
            if (editing) void edit.connect();
          }}
          onTheme={(theme) => change({ theme })}
          onClose={() => setSettingsOpen(false)}
        />
      )}
    </div>
  );
}
