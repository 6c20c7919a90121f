package boxoffice.peer;

import com.nimbusds.jwt.JWTClaimsSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.springframework.core.io.FileSystemResource;
import org.springframework.data.redis.core.ReactiveStringRedisTemplate;
import org.springframework.data.redis.core.script.RedisScript;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The two routes: where one stands, and entering. */
@Component
class LineHandler {
    private static final String PRESENT_S = "60";
    private static final int POLL_S = 30;
    private static final Map<String, HttpStatus> REFUSALS = Map.of("REVOKED", HttpStatus.UNAUTHORIZED,
            "LIMITED", HttpStatus.TOO_MANY_REQUESTS, "NONE", HttpStatus.NOT_FOUND);

    private final Tokens tokens;
    private final ReactiveStringRedisTemplate redis;
    private final RedisScript<List> status;
    private final RedisScript<List> enter;
    private final String triesAMinute;

    record Entry(UUID scheduleId) {}

    record Place(String status, UUID scheduleId, Long rank, Long people, Integer estimatedWaitTime, String delayReason,
            int pollAfter, String token) {
        static Place waiting(UUID schedule, Object rank, Object people) {
            return new Place("WAITING", schedule, (Long) rank, (Long) people, null, "PAUSED", POLL_S, null);
        }
    }

    record Refusal(String code) {}

    LineHandler(Tokens tokens, ReactiveStringRedisTemplate redis, Settings settings) {
        this.tokens = tokens;
        this.redis = redis;
        this.status = RedisScript.of(new FileSystemResource(settings.scripts().resolve("status.lua")), List.class);
        this.enter = RedisScript.of(new FileSystemResource(settings.scripts().resolve("enter.lua")), List.class);
        this.triesAMinute = Integer.toString(settings.triesAMinute());
    }

    Mono<ServerResponse> status(ServerRequest request) {
        Optional<JWTClaimsSet> claims = claims(request);
        if (claims.isEmpty()) {
            return refuse(HttpStatus.UNAUTHORIZED, "TOKEN_INVALID");
        }
        Optional<UUID> schedule = request.queryParam("scheduleId").flatMap(LineHandler::uuid);
        if (schedule.isEmpty()) {
            return refuse(HttpStatus.BAD_REQUEST, "INVALID_REQUEST");
        }
        String user = claims.get().getSubject();
        List<String> keys =
                List.of(revoked(claims.get()), "tries:" + user, "present:" + user, "line:" + schedule.get());
        return redis.execute(status, keys, List.of(user, triesAMinute, PRESENT_S)).next()
                .flatMap(answer -> tellStatus(schedule.get(), answer));
    }

    private static Mono<ServerResponse> tellStatus(UUID schedule, List<?> answer) {
        if (!"WAITING".equals(answer.get(0))) {
            return refuse(answer);
        }
        return ServerResponse.ok().contentType(MediaType.APPLICATION_JSON)
                .header("RateLimit", "\"status\";r=" + answer.get(1))
                .bodyValue(Place.waiting(schedule, answer.get(2), answer.get(3)));
    }

    Mono<ServerResponse> enter(ServerRequest request) {
        return claims(request)
                .map(claims -> request.bodyToMono(Entry.class).flatMap(entry -> enter(claims, entry)))
                .orElseGet(() -> refuse(HttpStatus.UNAUTHORIZED, "TOKEN_INVALID"));
    }

    private Mono<ServerResponse> enter(JWTClaimsSet claims, Entry entry) {
        if (entry.scheduleId() == null) {
            return refuse(HttpStatus.BAD_REQUEST, "INVALID_REQUEST");
        }
        List<String> keys = List.of(revoked(claims), "line:" + entry.scheduleId());
        return redis.execute(enter, keys, List.of(claims.getSubject())).next()
                .flatMap(answer -> tellEntry(entry.scheduleId(), answer));
    }

    private static Mono<ServerResponse> tellEntry(UUID schedule, List<?> answer) {
        if (!"WAITING".equals(answer.get(0))) {
            return refuse(answer);
        }
        return ServerResponse.ok().contentType(MediaType.APPLICATION_JSON)
                .bodyValue(Place.waiting(schedule, answer.get(1), answer.get(2)));
    }

    private Optional<JWTClaimsSet> claims(ServerRequest request) {
        return tokens.claims(request.headers().firstHeader(HttpHeaders.AUTHORIZATION));
    }

    private static String revoked(JWTClaimsSet claims) {
        return "token:revoked:" + claims.getJWTID();
    }

    private static Optional<UUID> uuid(String text) {
        try {
            return Optional.of(UUID.fromString(text));
        } catch (IllegalArgumentException refused) {
            return Optional.empty();
        }
    }

    private static Mono<ServerResponse> refuse(List<?> answer) {
        String state = (String) answer.get(0);
        return refuse(REFUSALS.get(state), state);
    }

    private static Mono<ServerResponse> refuse(HttpStatus status, String code) {
        return ServerResponse.status(status).contentType(MediaType.APPLICATION_JSON).bodyValue(new Refusal(code));
    }
}
