package boxoffice.peer;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.io.IOException;
import java.nio.file.Files;
import java.text.ParseException;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Access tokens: HS256, as common/auth/token.h describes them. */
@Component
class Tokens {
    private static final String BEARER = "Bearer ";
    private static final int LENGTH_MAX = 4096;
    private static final long SKEW_MS = 30_000;
    private static final List<String> AUDIENCE = List.of("boxoffice");

    private final Map<String, JWSVerifier> verifiers = new HashMap<>();

    /** The ring is "kid:secret,kid:secret". */
    Tokens(Settings settings) throws IOException, JOSEException {
        for (String key : Files.readString(settings.keysFile()).strip().split(",")) {
            String[] parts = key.split(":", 2);
            verifiers.put(parts[0], new MACVerifier(parts[1]));
        }
    }

    /** The claims of a good token in an Authorization header. */
    Optional<JWTClaimsSet> claims(String header) {
        if (header == null || header.length() > LENGTH_MAX || !header.startsWith(BEARER)) {
            return Optional.empty();
        }
        try {
            SignedJWT token = SignedJWT.parse(header.substring(BEARER.length()));
            JWSVerifier verifier = verifiers.get(token.getHeader().getKeyID());
            boolean signed = verifier != null && JWSAlgorithm.HS256.equals(token.getHeader().getAlgorithm())
                    && token.verify(verifier);
            return signed ? Optional.of(token.getJWTClaimsSet()).filter(Tokens::isAccess) : Optional.empty();
        } catch (ParseException | JOSEException refused) {
            return Optional.empty();
        }
    }

    private static boolean isAccess(JWTClaimsSet claims) {
        Object role = claims.getClaim("role");
        return "boxoffice".equals(claims.getIssuer()) && AUDIENCE.equals(claims.getAudience())
                && "access".equals(claims.getClaim("typ")) && ("USER".equals(role) || "ADMIN".equals(role))
                && claims.getSubject() != null && claims.getJWTID() != null && holdsNow(claims);
    }

    private static boolean holdsNow(JWTClaimsSet claims) {
        long now = System.currentTimeMillis();
        return isBefore(claims.getNotBeforeTime(), now + SKEW_MS) && isBefore(claims.getIssueTime(), now + SKEW_MS)
                && claims.getExpirationTime() != null && claims.getExpirationTime().getTime() > now - SKEW_MS;
    }

    private static boolean isBefore(Date date, long limit) {
        return date != null && date.getTime() <= limit;
    }
}
