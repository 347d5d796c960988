import { generate } from 'selfsigned';

/** A certificate with its key, in PEM. */
export interface PemCertificate {
  readonly cert: string;
  readonly key: string;
}

const COMMON = { keyType: 'ec', algorithm: 'sha256' } as const;

const create = async (name: string, options: Parameters<typeof generate>[1]): Promise<PemCertificate> => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...COMMON,
    ...options,
  });
  return { cert, key };
};

/** Creates an authority that signs certificates. */
export const createAuthority = (): Promise<PemCertificate> =>
  create('authority', {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });

/** Creates a certificate for a host name or an IPv4 address, signed by an authority. */
export const createServerCertificate = (
  authority: PemCertificate,
  host: string,
  { hasExpired = false }: { readonly hasExpired?: boolean } = {},
): Promise<PemCertificate> =>
  create(host, {
    ca: authority,
    ...(hasExpired && { notBeforeDate: new Date(0), notAfterDate: new Date(1) }),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      {
        name: 'subjectAltName',
        altNames: [/^[\d.]+$/.test(host) ? { type: 7, ip: host } : { type: 2, value: host }],
      },
    ],
  });
