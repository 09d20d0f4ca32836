/** The few names of node-forge that the certificates are made with: the package brings no types of its own. */
declare module "node-forge" {
  /** A number of any size. */
  export interface BigInteger {
    readonly bitLength: () => number;
  }

  export interface PrivateKey {
    readonly n: BigInteger;
    readonly e: BigInteger;
  }

  export interface PublicKey {
    readonly n: BigInteger;
    readonly e: BigInteger;
  }

  export interface NameAttribute {
    readonly name: string;
    readonly value: string;
  }

  export interface Certificate {
    publicKey: PublicKey;
    /** Hexadecimal. */
    serialNumber: string;
    readonly validity: { notBefore: Date; notAfter: Date };
    setSubject(attributes: readonly NameAttribute[]): void;
    setIssuer(attributes: readonly NameAttribute[]): void;
    setExtensions(extensions: readonly Readonly<Record<string, unknown>>[]): void;
    sign(key: PrivateKey, digest: unknown): void;
  }

  const forge: {
    readonly pki: {
      readonly createCertificate: () => Certificate;
      readonly privateKeyFromPem: (pem: string) => PrivateKey;
      readonly setRsaPublicKey: (n: BigInteger, e: BigInteger) => PublicKey;
      readonly certificateToPem: (certificate: Certificate) => string;
    };
    readonly md: { readonly sha256: { readonly create: () => unknown } };
  };
  export default forge;
}
