import { useState } from 'react';

export interface PictureProps {
  readonly src: string;
  /** Shown above it, and its name for those who cannot see it. */
  readonly label: string;
  readonly onLoad?: () => void;
  readonly onFailure?: (() => void) | undefined;
}

/** A picture as large as there is room for, with its label; says so when it cannot be shown. */
export function Picture({ src, label, onLoad, onFailure }: PictureProps) {
  const [failed, setFailed] = useState(false);
  return (
    <figure className="picture">
      <figcaption>{label}</figcaption>
      {failed ? (
        <p className="picture-missing" role="alert">
          This picture cannot be shown: its file is missing or damaged. Tell whoever runs this.
        </p>
      ) : (
        <img
          src={src}
          alt={label}
          onLoad={onLoad}
          onError={() => {
            setFailed(true);
            onFailure?.();
          }}
        />
      )}
    </figure>
  );
}
